"""Score models, compare them with baselines, and measure what they copy from their training text."""

from octavo.evaluate.baselines import Baseline
from octavo.evaluate.evaluation import Evaluation, ScoredText, evaluate, perplexity
from octavo.evaluate.memorisation import Memorisation
from octavo.evaluate.overlap import TrainOverlap
from octavo.evaluate.shift import Shift

__all__ = [
    "Baseline",
    "Evaluation",
    "Memorisation",
    "ScoredText",
    "Shift",
    "TrainOverlap",
    "evaluate",
    "perplexity",
]
