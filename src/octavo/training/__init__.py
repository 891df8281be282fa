"""Training: one step, the loop that yields what happened, and the state that a checkpoint holds."""
