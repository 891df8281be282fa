"""Training: one step, the loop that yields what happened, and the state that a checkpoint holds."""

from octavo.train.interrupt import Interrupted, stop_signals
from octavo.train.loop import Training, TrainingData, training_data
from octavo.train.precision import Precision, choose_precision
from octavo.train.state import TrainingState, load_weights

__all__ = [
    "Interrupted",
    "Precision",
    "Training",
    "TrainingData",
    "TrainingState",
    "choose_precision",
    "load_weights",
    "stop_signals",
    "training_data",
]
