"""Interpret a model: attention, head table, surprisal, logit lens and interventions.

All of it works through taps (:mod:`octavo.model.taps`); nothing in the model depends on this package.
"""
