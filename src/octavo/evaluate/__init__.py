"""Score models, compare them with baselines, and measure what they copy from their training text."""

from octavo.evaluate.baselines import Baseline, fit_baselines
from octavo.evaluate.evaluation import Evaluation, Protocol, ScoredText, evaluate, perplexity
from octavo.evaluate.memorisation import Memorisation, measure_memorisation
from octavo.evaluate.overlap import CopyStats, TrainOverlap
from octavo.evaluate.shift import Shift, measure_shift

__all__ = [
    "Baseline",
    "CopyStats",
    "Evaluation",
    "Memorisation",
    "Protocol",
    "ScoredText",
    "Shift",
    "TrainOverlap",
    "evaluate",
    "fit_baselines",
    "measure_memorisation",
    "measure_shift",
    "perplexity",
]
