"""Looking inside a model: what its heads look at, what surprises it, what its layers already know, and what happens
when a part of it is changed. All of it by taps (octavo.model.taps): nothing in the model knows of this package."""
