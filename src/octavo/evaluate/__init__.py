"""The score: every token once, in nats and in bits per character, with its standard error."""

from octavo.evaluate.evaluation import Evaluation, Protocol, ScoredText, evaluate
from octavo.evaluate.scoring import Watch, unwatched

__all__ = ["Evaluation", "Protocol", "ScoredText", "Watch", "evaluate", "unwatched"]
