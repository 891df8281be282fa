"""One thing that a diagnosis has found.

What a diagnosis looks at: a run's settings, its looks while it trained, and its score beside the baselines.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from octavo.config import Config
from octavo.evaluate import Baseline, Evaluation, Memorisation, Shift, TrainOverlap

Severity = Literal["error", "warning", "note"]  # the model is worth little; it could be better; worth knowing


@dataclass(frozen=True)
class Finding:
    """What was found, in words; `figures` are the numbers it rests on."""

    kind: str
    severity: Severity
    words: str  # what it is and what it means
    fix: str = ""  # what to look at first, or to do
    figures: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        return [f"{self.kind}: {self.words}", *([f"  To fix: {self.fix}"] if self.fix else [])]


@dataclass(frozen=True)
class ValidationPoint:
    """One look while training, in nats per token: the same number of windows of either part, without dropout."""

    step: int
    loss: float  # on text that is not trained on
    train_loss: float
    weight_norm: float


@dataclass(frozen=True)
class Case:
    """A run as the diagnosis sees it.

    `floors` are losses of models that anybody could have: ``uniform``, ``unigram``, ``bigram`` and ``n-gram``,
    in nats per token on the text of `loss`. There is no ``n-gram`` where the tokenizer loses text: that model is of
    characters, and would have to spell what the tokens leave out.
    """

    config: Config
    looks: tuple[ValidationPoint, ...]
    loss: float  # nats per token: the score, or while training the newest look
    floors: Mapping[str, float] = field(default_factory=dict)
    tokens_per_character: float = 1.0
    lossless: bool = True
    ended: bool = True  # it spent its budget: it was not stopped, early or by a signal, and is not still at it
    early_stopped: bool = False  # the weights of the best look are kept
    part: str = "held-out"  # what the looks are at: or a "set-aside" slice of the training part
    memorisation: Memorisation | None = None  # where it was measured, as the two below
    overlap: TrainOverlap | None = None  # of the held-out part with the training part
    shift: Shift | None = None  # between the two


def is_better(loss: float, floor: float) -> bool:
    """Whether a loss is below a floor by more than a hundredth of it: what less training could not have brought."""
    return loss < 0.99 * floor


def baseline_losses(score: Evaluation, baselines: Sequence[Baseline]) -> dict[str, float]:
    """Return what the baselines of a scored text need, in nats per token of the run's tokenizer."""
    floors: dict[str, float] = {}
    for one in baselines:
        if one.nats_per_token is not None:
            floors[one.kind] = one.nats_per_token
        elif one.kind == "kneser-ney" and score.lossless_tokenizer:
            floors["n-gram"] = one.nats_per_character / (score.tokens / score.characters)
    return floors


def validation_split(config: Config) -> str:
    """What a run of `config` looks at while it trains, as people call it."""
    aside = config.train.patience and config.train.select_on == "train-slice"
    return "set-aside" if aside else "held-out"


def validation_point(values: Mapping[str, Any]) -> ValidationPoint:
    """The look that an event or a record of one tells of."""
    return ValidationPoint(**{field.name: values[field.name] for field in fields(ValidationPoint)})


def validation_points(metrics: Iterable[Mapping[str, Any]]) -> tuple[ValidationPoint, ...]:
    """The looks among a run's records."""
    looks = (record for record in metrics if record["event"] == "validation")
    return tuple(
        validation_point(record) for record in looks if "train_loss" in record
    )  # earlier versions noted less
