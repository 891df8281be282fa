"""The input of a diagnosis, a :class:`Case`, and its output, the :class:`Finding`."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from octavo.config import SPLIT_LABELS, Config
from octavo.evaluate import Baseline, Evaluation, Memorisation, Shift, TrainOverlap

# error: the model is of little use; warning: it could be better, or its score is optimistic; note: worth knowing
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """A problem of a run."""

    kind: str
    severity: Severity
    words: str  # what the problem is and what it means, with the main figures
    fix: str = ""  # what to do or to check first; "": nothing
    figures: dict[str, float] = field(default_factory=dict)  # that the finding rests on; losses in nats per token
    command: str = ""  # that does what `fix` says; "": no command is known to lower the loss

    def lines(self) -> list[str]:
        """Return the finding as lines of text: what it is, what to do, and the command for that."""
        fix = f"  To fix: {self.fix}" + (":" if self.command else "")
        return [
            f"{self.kind}: {self.words}",
            *([fix] if self.fix else []),
            *([f"    {self.command}"] if self.command else []),
        ]


@dataclass(frozen=True)
class Commands:
    """The commands that a finding may name."""

    retrain: str = ""  # with the settings that fit the text and the budget; "": the run has these settings
    unfit: tuple[str, ...] = ()  # the settings that it then changes, by dotted name
    extend: str = ""  # with twice the budget; "": a run of this schedule cannot be extended


@dataclass(frozen=True)
class ValidationPoint:
    """The losses of one validation pass, in nats per token, over as many windows of each split, without dropout."""

    step: int
    loss: float  # of text that is not trained on
    train_loss: float
    weight_norm: float


@dataclass(frozen=True)
class Case:
    """The values of a run that the rules use.

    `baseline_losses` are under ``uniform``, ``unigram``, ``bigram`` and ``n-gram``, in nats per token on the text of
    `loss`. There is no ``n-gram`` where the tokenizer is lossy: that model predicts characters, also those that the
    tokens leave out.
    """

    config: Config
    points: tuple[ValidationPoint, ...]
    loss: float  # nats per token: the score, or while training the newest validation loss
    baseline_losses: Mapping[str, float] = field(default_factory=dict)
    tokens_per_character: float = 1.0  # of the text of `loss`
    lossless: bool = True
    ended: bool = True  # the run spent its budget: no early stop, no signal, and it does not train any more
    early_stopped: bool = False  # the weights of the best validation point are kept
    split_label: str = SPLIT_LABELS["validation"]  # of the text of a validation pass
    memorisation: Memorisation | None = None  # None: not measured, as for the two below
    overlap: TrainOverlap | None = None  # of the validation split with the training split
    shift: Shift | None = None  # between the two
    commands: Commands = field(default_factory=Commands)  # none while a run trains

    def bits(self, nats: float) -> float:
        """Convert nats per token to bits per character."""
        return nats * self.tokens_per_character / math.log(2)


def is_better(loss: float, baseline: float) -> bool:
    """Return whether a loss is below that of a baseline by more than 1 %."""
    return loss < 0.99 * baseline


def baseline_losses(score: Evaluation, baselines: Sequence[Baseline]) -> dict[str, float]:
    """Return the losses of a text's baselines for a :class:`Case`, in nats per token of the run's tokenizer."""
    losses: dict[str, float] = {}
    for baseline in baselines:
        if baseline.nats_per_token is not None:
            losses[baseline.kind] = baseline.nats_per_token
        elif baseline.kind == "kneser-ney" and score.lossless_tokenizer:
            losses["n-gram"] = baseline.nats_per_character / (score.tokens / score.characters)
    return losses


def split_label(config: Config) -> str:
    """Return the label of the split that a run of `config` validates on."""
    on_slice = config.train.patience and config.train.select_on == "train-slice"
    return SPLIT_LABELS["train-slice" if on_slice else "validation"]


def validation_point(values: Mapping[str, Any]) -> ValidationPoint:
    """Return the validation point of a validation event or its record."""
    return ValidationPoint(**{field.name: values[field.name] for field in fields(ValidationPoint)})


def validation_points(metrics: Iterable[Mapping[str, Any]]) -> tuple[ValidationPoint, ...]:
    """Return the validation points among the records of a run, in their order."""
    records = (record for record in metrics if record["event"] == "validation")
    return tuple(validation_point(record) for record in records if "train_loss" in record)  # old records lack it
