"""Events of training, which the loop yields and ``metrics.jsonl`` records under their `kind`."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """The position of training: steps, epochs, and seconds of training over all sessions."""

    kind: ClassVar[str]  # the event's name in metrics.jsonl

    step: int
    epoch: float
    seconds: float


@dataclass(frozen=True)
class StepEvent(Event):
    """`train.log_every` steps are done: their mean loss (with dropout) in nats per token, and their throughput."""

    kind = "step"

    loss: float
    nats_per_character: float  # the same loss per character of the text
    learning_rate: float
    gradient_norm: float
    steps_per_second: float
    tokens_per_second: float
    progress: float  # fraction of the budget that is spent


@dataclass(frozen=True)
class ValidationEvent(Event):
    """A validation point: the loss in nats per token on windows of a split that is not trained on."""

    kind = "validation"

    loss: float
    nats_per_character: float  # estimated with the split's mean characters per token
    part: str  # the split: validation, or train-slice (the early-stopping split)
    best: bool  # the lowest so far, if training may stop early
    train_loss: float  # the same, without dropout, on as many windows of the training split
    weight_norm: float  # L2 norm of all matrices together


@dataclass(frozen=True)
class EpochEvent(Event):
    """An epoch is done, and the loss on the complete validation split is measured."""

    kind = "epoch"

    train_loss: float  # nats per token, mean over its steps: with dropout, while the weights changed
    validation_loss: float  # mean over all windows
    validation_windows: int
    validation_seconds: float
    part: str = "validation"  # the split of `validation_loss`, even if training validates on another


@dataclass(frozen=True)
class CheckpointEvent(Event):
    """A checkpoint is due; the caller saves the state before it takes the next event."""

    kind = "checkpoint"


@dataclass(frozen=True)
class DecayEvent(Event):
    """The learning rate falls from the next step on; the caller keeps the state before it takes the next event."""

    kind = "decay"


@dataclass(frozen=True)
class EarlyStopEvent(Event):
    """The patience is exhausted: the learning rate falls from now on, from the state of the best validation point."""

    kind = "early-stop"

    best_step: int


@dataclass(frozen=True)
class CalibrationEvent(Event):
    """The logits are divided by `temperature` from now on, which was fitted on text that was not trained on."""

    kind = "calibration"

    temperature: float
    tokens: int  # of that text
    nats_per_character_before: float  # the loss there
    nats_per_character: float


@dataclass(frozen=True)
class SampleEvent(Event):
    """A sample is due; the caller generates it before it takes the next event."""

    kind = "sample"


@dataclass(frozen=True)
class EndEvent(Event):
    """Training has ended: ``budget`` spent, or ``patience`` of early stopping exhausted."""

    kind = "end"

    reason: str
    peak_memory_bytes: int  # of the process; 0 if the system does not tell


EVENTS = (
    *(StepEvent, ValidationEvent, EpochEvent, CheckpointEvent, DecayEvent, EarlyStopEvent, CalibrationEvent),
    *(SampleEvent, EndEvent),
)
