"""The training loop: it moves the state and yields what happened; saving, showing and recording listen.

B windows of a batch, T context_length.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from octavo.config import Config
from octavo.data import BatchOrder, EpochWindows, Ids, Windows, documents
from octavo.model import DropoutMasks
from octavo.optim import learning_rate_scale
from octavo.tokenizer import BPEDropout, ByteBPE, Tokenizer
from octavo.training.budget import Budget, make_budget
from octavo.training.events import CheckpointDue, Ended, Event, SampleDue, Stepped, Validated
from octavo.training.interrupt import Interrupted
from octavo.training.state import TrainingState
from octavo.training.step import check_finite, training_step
from octavo.training.validation import mean_loss, spread

# BPE-dropout is against seeing the same tokens many times; nobody goes through a text this long often.
LONGEST_RECUT = 4_000_000  # tokens
_SLICE = 0.05  # of the training part, set aside to select on when training may stop early


@dataclass(frozen=True)
class TrainingData:
    """The windows to learn from, and those looked at now and then, which come from `part`."""

    windows: EpochWindows
    order: BatchOrder
    validation: Windows
    validation_indices: npt.NDArray[np.int64]
    part: str
    tokens_per_character: float  # of the training part, as it is cut for scoring
    validation_tokens_per_character: float


class Counted(NamedTuple):
    """Token ids and how many characters of text they stand for."""

    ids: Ids
    characters: int

    @property
    def tokens_per_character(self) -> float:
        """What turns nats per token into nats per character."""
        return len(self.ids) / self.characters


def training_data(config: Config, train: Counted, validation: Counted, tokenizer: Tokenizer) -> TrainingData:
    """Lay out windows and batches. Early stopping looks at the end of the training part, which is then not
    trained on, unless the config says that it may look at the held-out part."""
    context, stride = config.data.context_length, config.data.window_stride
    part, start_id = "validation", tokenizer.start_id
    (train_ids, _), (validation_ids, _) = train, validation
    ratios = (train.tokens_per_character, validation.tokens_per_character)
    if aside := slice_length(config, len(train_ids)):
        border = _character_border(train_ids, len(train_ids) - aside, tokenizer)
        train_ids, validation_ids, part = train_ids[:border], train_ids[border:], "train-slice"
        ratios = (ratios[0], ratios[0])
    phases = min(stride, max(1, len(train_ids) - context))  # a short text has fewer places to begin at
    dropout = None
    if config.tokenizer.dropout and isinstance(tokenizer, ByteBPE) and len(train_ids) <= LONGEST_RECUT:
        dropout = partial(_bpe_dropout, tokenizer, train_ids, config)
    windows = EpochWindows(train_ids, context, stride, start_id=start_id, phases=phases, dropout=dropout)
    looked_at = Windows(validation_ids, min(context, len(validation_ids) - 1), stride, start_id=start_id)
    order = BatchOrder(
        config.train.seed, len(windows), config.data.batch_size, phases, partial=config.data.last_batch == "partial"
    )
    indices = spread(looked_at, config.train.validation_windows)
    return TrainingData(windows, order, looked_at, indices, part, *ratios)


def _bpe_dropout(tokenizer: ByteBPE, ids: Ids, config: Config) -> BPEDropout:
    texts = [tokenizer.decode(document) for document in documents(ids, tokenizer.start_id)]
    return BPEDropout(tokenizer, texts, config.tokenizer.dropout, config.train.seed)


def _character_border(ids: Ids, border: int, tokenizer: Tokenizer) -> int:
    """`border`, or the nearest place before it that no character reaches across."""
    table = tokenizer.token_bytes()
    while border > 1 and table[ids[border]][:1] and table[ids[border]][0] & 0xC0 == 0x80:
        border -= 1
    return border


def slice_length(config: Config, tokens: int) -> int:
    """How many of the training part's `tokens`, at its end, are set aside to stop early by."""
    aside = config.train.patience and config.train.select_on == "train-slice"
    return max(2, int(tokens * _SLICE)) if aside else 0


def dropout_masks(config: Config, dtype: torch.dtype) -> DropoutMasks:
    """The masks of a run's training steps."""
    model, data = config.model, config.data
    largest = data.batch_size * data.context_length * max(model.d_model, model.d_ff)
    return DropoutMasks(config.train.seed, (model.dropout, model.hidden_dropout), largest, dtype)


@dataclass
class Pace:
    """What was done since the last line of metrics, and how long the steps themselves took."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Training:
    """One run's loop over a state; iterate it."""

    def __init__(
        self,
        state: TrainingState,
        data: TrainingData,
        config: Config,
        *,
        dtype: torch.dtype,
        stop: Callable[[], int] = lambda: 0,
    ) -> None:
        self.state, self.data, self.config = state, data, config
        self.budget: Budget = make_budget(config.train, data.order.steps_per_epoch)
        self._dtype, self._stop = dtype, stop
        self._masks = dropout_masks(config, dtype)
        self._pace = Pace()

    def __iter__(self) -> Iterator[Event]:
        """Train until the budget is spent; the clock runs on while a listener is at work.

        Raises:
            OctavoError: the loss is not finite or has exploded; the state is not to be saved.
            Interrupted: `stop` gave a signal; the state has been offered for saving.
        """
        state, train = self.state, self.config.train
        began = time.perf_counter() - state.seconds
        while not (reason := self._ended()):
            norm, scale = self._step()
            state.seconds = time.perf_counter() - began
            if state.step % train.log_every == 0 or self._ended():
                yield self._stepped(norm, scale)
            if train.validate_every and (state.step % train.validate_every == 0 or self._ended()):
                yield self._validate()
            if train.sample_every and state.step % train.sample_every == 0:
                yield SampleDue(*self._here())
            if state.step % train.checkpoint_every == 0 and not self._ended():
                yield CheckpointDue(*self._here())
            if number := self._stop():
                yield CheckpointDue(*self._here())
                raise Interrupted(number, state.step)
        yield CheckpointDue(*self._here())
        yield Ended(*self._here(), reason)

    def _step(self) -> tuple[float, float]:
        """Take one step; the norm of its gradient and the scale of its learning rate."""
        began = time.perf_counter()
        state, data = self.state, self.data
        progress = self.budget.progress(state.step, state.seconds)
        scale = learning_rate_scale(self.config.schedule, progress)
        batch = data.order.batch(state.step)
        recut = progress < self.config.tokenizer.dropout_until
        inputs, targets = data.windows.gather(batch, recut=recut)
        loss, norm = training_step(
            state.model,
            state.optimizers,
            inputs,
            targets,
            drop=self._masks.of_step(state.step),
            dtype=self._dtype,
            clip_norm=self.config.optimizer.clip_norm,
            learning_rate_scale=scale,
        )
        lengthened = data.windows.lengthened(int(batch.epochs[0])) if recut else 1.0
        state.record(loss, loss * data.tokens_per_character * lengthened)
        if state.average:
            state.average.update(state.model, state.step)
        self._pace.steps += 1
        self._pace.tokens += inputs.numel()
        self._pace.seconds += time.perf_counter() - began
        return norm, scale

    def _validate(self) -> Validated:
        state, data = self.state, self.data
        loss = mean_loss(
            state.model,
            data.validation,
            data.validation_indices,
            weights=state.usable_weights,
            dtype=self._dtype,
        )
        check_finite(validation_loss=loss)
        best = state.select(loss) if self.config.train.patience else False
        per_character = loss * data.validation_tokens_per_character
        return Validated(*self._here(), loss, per_character, data.part, best)

    def _stepped(self, norm: float, scale: float) -> Stepped:
        state, pace = self.state, self._pace
        self._pace = Pace()
        loss, per_character = (sum(column) / len(state.unlogged) for column in zip(*state.unlogged, strict=True))
        state.unlogged = []
        return Stepped(
            *self._here(),
            loss=loss,
            nats_per_character=per_character,
            learning_rate=self.config.optimizer.learning_rate * scale,
            gradient_norm=norm,
            steps_per_second=pace.steps / pace.seconds,
            tokens_per_second=pace.tokens / pace.seconds,
            progress=self.budget.share(state.step, state.seconds),
        )

    def _ended(self) -> str:
        train, state = self.config.train, self.state
        if train.patience and state.waited >= train.patience:
            return "patience"
        return "budget" if self.budget.spent(state.step, state.seconds) else ""

    def _here(self) -> tuple[int, float, float]:
        epoch = self.state.step / self.data.order.steps_per_epoch
        return self.state.step, epoch, self.state.seconds
