"""Training: one step, the loop that yields what happened, and the state that a checkpoint holds."""

from octavo.training.data import TokenCount, TrainingData, training_data
from octavo.training.loop import Training
from octavo.training.precision import Precision, choose_precision
from octavo.training.signals import Interrupted, InterruptedAtOnce, stop_signals
from octavo.training.state import TrainingState

__all__ = [
    "Interrupted",
    "InterruptedAtOnce",
    "Precision",
    "TokenCount",
    "Training",
    "TrainingData",
    "TrainingState",
    "choose_precision",
    "stop_signals",
    "training_data",
]
