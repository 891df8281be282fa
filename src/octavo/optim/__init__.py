"""What moves the weights: optimizers over parameter groups, and learning-rate schedules."""

from octavo.optim.optimizers import Optimizers
from octavo.optim.schedule import learning_rate_scale

__all__ = ["Optimizers", "learning_rate_scale"]
