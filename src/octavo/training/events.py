"""What happens in training, as the loop tells it to whoever listens."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """Where training is: steps done, passes over the training part, seconds of training over all sittings."""

    kind: ClassVar[str]  # its name in metrics.jsonl

    step: int
    epoch: float
    seconds: float


@dataclass(frozen=True)
class StepEvent(Event):
    """`train.log_every` steps are done: their mean loss in nats per token, and the rates of the steps alone."""

    kind = "step"

    loss: float
    nats_per_character: float  # the same loss, for a character of the text
    learning_rate: float
    gradient_norm: float
    steps_per_second: float
    tokens_per_second: float
    progress: float  # share of the budget spent


@dataclass(frozen=True)
class ValidationEvent(Event):
    """Loss in nats per token on windows that are not trained on: `part` says of what."""

    kind = "validation"

    loss: float
    nats_per_character: float  # about: these windows' tokens are as long as the part's on average
    part: str
    best: bool  # lowest so far, where training may stop early
    train_loss: float  # the same, without dropout, on as many windows of the training part
    weight_norm: float  # length of all matrices as one vector


@dataclass(frozen=True)
class EpochEvent(Event):
    """A pass over the training part is done, and all of the held-out part was looked at."""

    kind = "epoch"

    train_loss: float  # nats per token, mean over its steps: with dropout, while the weights moved
    validation_loss: float  # mean over all windows
    validation_windows: int
    validation_seconds: float
    part: str = "validation"  # of `validation_loss`, also where training looks at a slice of the training part


@dataclass(frozen=True)
class CheckpointEvent(Event):
    """The state should be saved now; the loop waits."""

    kind = "checkpoint"


@dataclass(frozen=True)
class SampleEvent(Event):
    """A good moment to show what the model writes; the loop waits."""

    kind = "sample"


@dataclass(frozen=True)
class EndEvent(Event):
    """Training came to its end: ``budget`` spent, or ``patience`` at an end."""

    kind = "end"

    reason: str
    peak_memory_bytes: int  # of the process; 0 where the system does not tell
