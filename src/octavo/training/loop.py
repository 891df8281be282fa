"""The training loop: it moves the state and yields what happened; saving, showing and recording listen.

B windows of a batch, T context_length.

What a step learned from when the numbers ran away, so that a person can look at it.

B windows of a batch, T context_length.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from octavo.config import Config
from octavo.data import Batch, Windows
from octavo.errors import DivergenceError
from octavo.model import DropoutMasks, Transformer
from octavo.system.hardware import peak_memory
from octavo.system.progress import PhaseCallback, no_phase_progress
from octavo.tokenizer import Tokenizer
from octavo.training.data import TrainingData
from octavo.training.events import (
    CheckpointEvent,
    EndEvent,
    EpochEvent,
    Event,
    SampleEvent,
    StepEvent,
    ValidationEvent,
)
from octavo.training.schedule import Budget, learning_rate_scale, make_budget
from octavo.training.signals import Interrupted
from octavo.training.state import TrainingState
from octavo.training.step import check_finite, mean_nats, training_step
from octavo.training.validation import ValidationPlan, mean_loss, spread_indices, weight_norm

_UNSAVED = 60.0  # seconds of training that a crash may cost at most, whatever the config says of steps


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
        watch: PhaseCallback = no_phase_progress,
        validations: int = ValidationPlan.times,
    ) -> None:
        self.state, self.data, self.config = state, data, config
        self.budget: Budget = make_budget(config.train, data.order.steps_per_epoch)
        self._dtype, self.stop, self.watch, self._validations = dtype, stop, watch, validations
        self._masks = dropout_masks(config, dtype)
        self._pace = Pace()
        self._saved_at = state.seconds
        self.failed_step: FailedStep | None = None  # if it was a step that the numbers ran away in

    def __iter__(self) -> Iterator[Event]:
        """Train until the budget is spent; the clock runs on while a listener is at work.

        Raises:
            DivergenceError: the loss is not finite or has exploded; the state is not to be saved.
            Interrupted: `stop` gave a signal; the state has been offered for saving.
        """
        state, train = self.state, self.config.train
        if self.budget.fraction_spent(state.step, state.seconds) < self.config.tokenizer.dropout_until:
            self.data.windows.precompute(self._heard)  # like the tokens themselves, before the clock of a budget runs
        began = time.perf_counter() - state.seconds
        if self._ended() and state.measured < state.step:  # it stopped between its last checkpoint and what follows
            yield from self._measure(0.0)
        while not (reason := self._ended()):
            spent = self.budget.fraction_spent(state.step, state.seconds)
            norm, scale = self._step()
            state.seconds = time.perf_counter() - began
            if state.step % train.log_every == 0 or self._ended():
                yield self._stepped(norm, scale)
            if self._ended():
                yield from self._save()  # whatever goes wrong in the last validation must not cost the training
            yield from self._measure(spent)
            if train.sample_every and state.step % train.sample_every == 0:
                yield SampleEvent(*self._here())
            if self._checkpoint_due() and not self._ended():
                yield from self._save()
            if number := self.stop():
                yield from self._save()
                raise Interrupted(number, state.step)
        if self._pace.steps:  # patience came to its end in a look after the step, between two lines of metrics
            yield self._stepped(norm, scale)
        yield from self._save()
        yield EndEvent(*self._here(), reason, peak_memory())

    def _measure(self, spent: float) -> Iterator[Event]:
        """Validate where that is due after a step that began with the share `spent` of the budget spent."""
        if self._look_due(spent):
            yield self._validate()
        if self.config.train.validate_epochs and self._epoch_ended():
            yield self._end_epoch()
        self.state.measured = self.state.step

    def _heard(self, share: float) -> None:
        """Tell how far the preparation is. Raises Interrupted if a signal came: there is no step to save yet."""
        self.watch("preparing BPE-dropout", share)
        if number := self.stop():
            raise Interrupted(number, self.state.step)

    def _checkpoint_due(self) -> bool:
        state = self.state
        return state.step % self.config.train.checkpoint_every == 0 or state.seconds - self._saved_at >= _UNSAVED

    def _save(self) -> Iterator[CheckpointEvent]:
        """A step is saved once, unless a validation has chosen its weights since: what is saved already, or was gone
        on from, stays as it is."""
        if self.state.saved != self.state.step:
            yield CheckpointEvent(*self._here())
            self.state.saved, self._saved_at = self.state.step, self.state.seconds

    def _step(self) -> tuple[float, float]:
        """Take one step; the norm of its gradient and the scale of its learning rate."""
        began = time.perf_counter()
        state, data = self.state, self.data
        progress = self.budget.progress(state.step, state.seconds)
        scale = learning_rate_scale(self.config.schedule, progress)
        batch = data.order.batch(state.step)
        recut = progress < self.config.tokenizer.dropout_until
        inputs, targets = data.windows.gather(batch, resample_bpe=recut)
        try:
            loss, norm = training_step(
                state.model,
                state.optimizers,
                inputs,
                targets,
                drop=self._masks.masks_for_step(state.step),
                dtype=self._dtype,
                clip_norm=self.config.optimizer.clip_norm,
                learning_rate_scale=scale,
            )
            lengthened = data.windows.length_ratio(int(batch.epochs[0])) if recut else 1.0
            state.record(loss, loss * data.tokens_per_character * lengthened)
        except DivergenceError:
            self.failed_step = FailedStep(batch, inputs, targets, recut and data.windows.uses_bpe_dropout)
            raise
        if state.average:
            state.average.update(state.model, state.step)
        self._pace.steps += 1
        self._pace.tokens += inputs.numel()
        self._pace.seconds += time.perf_counter() - began
        return norm, scale

    def _validate(self) -> ValidationEvent:
        state, data = self.state, self.data
        loss = self._look(data.validation, data.validation_indices)
        train_loss = self._look(data.windows.base, data.train_indices)
        best = state.select(loss) if self.config.train.patience else False
        per_character = loss * data.validation_tokens_per_character
        return ValidationEvent(
            *self._here(), loss, per_character, data.part, best, train_loss, weight_norm(state.model)
        )

    def _end_epoch(self) -> EpochEvent:
        began, windows = time.perf_counter(), self.data.held_out
        loss = self._look(windows, spread_indices(windows, 0))
        total, steps = self.state.epoch_losses
        self.state.epoch_losses = [0.0, 0]
        seconds = time.perf_counter() - began
        return EpochEvent(*self._here(), total / steps, loss, len(windows), seconds, part="validation")

    def _look(self, windows: Windows, indices: npt.NDArray[np.int64]) -> float:
        state = self.state
        loss = mean_loss(state.model, windows, indices, weights=state.eval_weights, dtype=self._dtype)
        check_finite(validation_loss=loss)
        return loss

    def _stepped(self, norm: float, scale: float) -> StepEvent:
        state, pace = self.state, self._pace
        self._pace = Pace()
        loss, per_character = (
            sum(column) / len(state.pending_log) for column in zip(*state.pending_log, strict=True)
        )
        state.pending_log = []
        return StepEvent(
            *self._here(),
            loss=loss,
            nats_per_character=per_character,
            learning_rate=self.config.optimizer.learning_rate * scale,
            gradient_norm=norm,
            steps_per_second=pace.steps / pace.seconds,
            tokens_per_second=pace.tokens / pace.seconds,
            progress=self.budget.fraction_spent(state.step, state.seconds),
        )

    def _look_due(self, before: float) -> bool:
        """Whether to look at text that is not trained on, after a step that found the share `before` spent."""
        every = self.config.train.validate_every
        if every > 0:
            return self.state.step % every == 0 or bool(self._ended())
        spent = self.budget.fraction_spent(self.state.step, self.state.seconds)
        times = self._validations
        return every == 0 and (int(times * spent) > int(times * before) or bool(self._ended()))

    def _epoch_ended(self) -> bool:
        """Whether the step just done came to the end of a pass, or went over it."""
        step, per_epoch = self.state.step, self.data.order.steps_per_epoch
        return step // per_epoch > (step - 1) // per_epoch

    def _ended(self) -> str:
        train, state = self.config.train, self.state
        if train.patience and state.validations_since_best >= train.patience:
            return "patience"
        return "budget" if self.budget.spent(state.step, state.seconds) else ""

    def _here(self) -> tuple[int, float, float]:
        epoch = self.state.step / self.data.order.steps_per_epoch
        return self.state.step, epoch, self.state.seconds


@dataclass(frozen=True)
class FailedStep:
    """A step's batch: which windows, and their inputs and targets (B, T)."""

    batch: Batch
    inputs: torch.Tensor
    targets: torch.Tensor
    recut: bool  # by BPE-dropout: places are then those of the epoch's own cutting, not of ``data/train.npy``

    @torch.no_grad()
    def to_dict(self, model: Transformer, tokenizer: Tokenizer, stride: int) -> list[dict[str, Any]]:
        """Each window: where it is in the training part, its text, and its loss alone by the weights as they are."""
        found, batch = [], self.batch
        places = zip(batch.indices.tolist(), batch.phases.tolist(), batch.epochs.tolist(), strict=True)
        for i, (window, phase, epoch) in enumerate(places):
            nats = mean_nats(model(self.inputs[i : i + 1]), self.targets[i : i + 1]).item()
            place = {} if self.recut else {"first_token": window * stride + phase}
            found.append(
                {"window": window, "epoch": epoch, "phase": phase, **place}
                | {"nats_per_token": nats if math.isfinite(nats) else str(nats)}
                | {"text": tokenizer.decode(self.targets[i].tolist())}
            )
        return found
