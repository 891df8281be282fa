"""The training loop. It updates the state and yields events; the caller saves, shows and records.

One step of :class:`Training`, in order:

1.  learning rate: the schedule at the fraction of the budget that is spent
    and where its decay phase begins, before the step, `DecayEvent`
2.  batch: B windows of T tokens, a function of (seed, step); early in the budget re-segmented by BPE-dropout
3.  forward and backward pass with dropout masks of (seed, step), clipping, optimizer step
4.  moving average of the weights (EMA), if asked for
5.  every `log_every` steps and at the end: `StepEvent` with the mean loss, gradient norm and throughput
6.  at the end: `CheckpointEvent`, so that a failing last validation does not cost the training; and with `calibrate`
    `CalibrationEvent`: the weights are calibrated
7.  20 times a run, or every `validate_every` steps: `ValidationEvent`; early stopping selects weights by it
    and if its patience is exhausted: `EarlyStopEvent`; the decay phase follows, from the best state
8.  with `validate_epochs`, after each epoch: `EpochEvent` with the loss on the complete validation split
9.  every `sample_every` steps: `SampleEvent`
10. every `checkpoint_every` steps and at least once a minute: `CheckpointEvent`
11. after a signal: `CheckpointEvent`, and then `Interrupted` is raised

When the budget is spent, or early stopping ends the run, `EndEvent` comes last. `DivergenceError` is
raised if the loss, the gradient or the weights become NaN or infinite, or the loss explodes.

B windows of a batch, T context_length.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.config import Config
from octavo.data.windows import Windows
from octavo.errors import DivergenceError
from octavo.model import DropoutMasks
from octavo.runs import events
from octavo.system.hardware import peak_memory
from octavo.system.progress import PhaseCallback, no_phase_progress
from octavo.training.calibration import fit_temperature
from octavo.training.data import TrainingData
from octavo.training.schedule import (
    Budget,
    EarlyDecay,
    early_decay,
    has_decay_phase,
    learning_rate_scale,
    make_budget,
)
from octavo.training.signals import Interrupted
from octavo.training.state import TrainingState
from octavo.training.step import FailedStep, check_finite_values, training_step
from octavo.training.validation import ValidationPlan, mean_loss, spread_indices, weight_norm

_MAX_UNSAVED_SECONDS = 60.0  # of training that a crash may cost, whatever checkpoint_every is


def dropout_masks(config: Config, dtype: torch.dtype) -> DropoutMasks:
    """Return the dropout masks of a run's training steps."""
    model, data = config.model, config.data
    largest = data.batch_size * data.context_length * max(model.d_model, model.d_ff)
    return DropoutMasks(config.train.seed, (model.dropout, model.hidden_dropout), largest, dtype)


@dataclass
class _Throughput:
    """Steps and tokens since the last `StepEvent`, and the seconds that the steps themselves took."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Training:
    """The training loop of one run. Iterate it to train; it yields events.

    Args:
        state: model, optimizers and position; it is updated in place.
        data: the windows to train and validate on.
        config: the run's config.
        dtype: the data type of forward and backward passes.
        stop: returns the number of a signal that asks to stop, or 0.
        watch: receives the fraction of the preparation for BPE-dropout that is done.
        validations: how often to validate where `validate_every` is 0.
    """

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
        self._throughput = _Throughput()
        self._saved_at = state.seconds
        self.failed_step: FailedStep | None = None  # the step that diverged, if it was not a validation

    def __iter__(self) -> Iterator[events.Event]:
        """Train until the budget is spent or early stopping ends it. Time that the caller takes counts.

        Raises:
            DivergenceError: training diverged; the state must not be saved.
            Interrupted: `stop` returned a signal; a `CheckpointEvent` came before.
        """
        state, train = self.state, self.config.train
        if self.budget.fraction_spent(state.step, state.seconds) < self.config.tokenizer.dropout_until:
            self.data.windows.precompute(self._on_precompute)  # part of tokenization: it costs no budget
        began = time.perf_counter() - state.seconds
        if not self._end_reason():
            state.undo_calibration()  # of a former, smaller budget
        elif state.validated_step < state.step:  # it was stopped between steps 6 and 7
            yield from self._calibrate()
            yield from self._validate_if_due(0.0)
        while not (reason := self._end_reason()):
            spent_before = self.budget.fraction_spent(state.step, state.seconds)
            yield from self._keep_before_decay()
            norm, scale = self._train_one_step()
            state.seconds = time.perf_counter() - began
            if state.step % train.log_every == 0 or self._end_reason():
                yield self._step_event(norm, scale)
            if self._end_reason():
                yield from self._save()
                yield from self._calibrate()
            yield from self._validate_if_due(spent_before)
            if decay := self._planned_decay():
                state.return_to_best(decay)
                yield events.EarlyStopEvent(*self._position(), decay.best_step)
                yield from self._save()
            if train.sample_every and state.step % train.sample_every == 0:
                yield events.SampleEvent(*self._position())
            if self._checkpoint_due() and not self._end_reason():
                yield from self._save()
            if number := self.stop():
                yield from self._save()
                raise Interrupted(number, state.step)
        if self._throughput.steps:  # early stopping ended training in a step that was not logged
            yield self._step_event(norm, scale)
        yield from self._save()
        yield events.EndEvent(*self._position(), reason, peak_memory())

    def _validate_if_due(self, spent_before: float) -> Iterator[events.Event]:
        """Validate where it is due after a step; `spent_before` is the fraction of the budget spent before it."""
        if self._validation_due(spent_before):
            yield self._validate()
        if self.config.train.validate_epochs and self._epoch_ended():
            yield self._end_epoch()
        self.state.validated_step = self.state.step

    def _on_precompute(self, fraction: float) -> None:
        """Report the progress of the preparation. Raises Interrupted after a signal: there is nothing to save yet."""
        self.watch("preparing BPE-dropout", fraction)
        if number := self.stop():
            raise Interrupted(number, self.state.step)

    def _checkpoint_due(self) -> bool:
        state = self.state
        unsaved = state.seconds - self._saved_at
        return state.step % self.config.train.checkpoint_every == 0 or unsaved >= _MAX_UNSAVED_SECONDS

    def _save(self) -> Iterator[events.CheckpointEvent]:
        """Ask for a checkpoint, unless this step is saved and no validation has selected its weights since."""
        if self.state.saved_step != self.state.step:
            yield events.CheckpointEvent(*self._position())
            self.state.saved_step, self._saved_at = self.state.step, self.state.seconds

    def _keep_before_decay(self) -> Iterator[events.DecayEvent]:
        """Note the ends of the warm-up and of the peak; ask the caller to keep the state before the decay phase."""
        state, schedule = self.state, self.config.schedule
        progress = self._progress()
        state.warmed_up = state.warmed_up or progress >= schedule.warmup
        falls = state.warmed_up and has_decay_phase(schedule) and self._rate_scale(progress) < 1
        if falls and state.decay_from is None and not state.early_stop:
            yield events.DecayEvent(*self._position())
            state.decay_from = state.step

    def _progress(self) -> float:
        """Return the fraction of the schedule for the next step: that of the budget, until early stopping."""
        state = self.state
        if state.decay:
            return state.decay.progress(self.budget, state.step, state.seconds)
        return self.budget.progress(state.step, state.seconds)

    def _rate_scale(self, progress: float) -> float:
        """Return the factor of the peak learning rates; after a warm-up there is no second one in a longer budget."""
        schedule = self.config.schedule
        if self.state.warmed_up and progress < schedule.warmup:
            return 1.0
        return learning_rate_scale(schedule, progress)

    def _train_one_step(self) -> tuple[float, float]:
        """Train one step; return the norm of its gradient and the scale of its learning rate."""
        began = time.perf_counter()
        state, data = self.state, self.data
        progress = self._progress()
        scale = self._rate_scale(progress)
        batch = data.order.batch(state.step)
        resample = progress < self.config.tokenizer.dropout_until
        inputs, targets = data.windows.gather(batch, resample_bpe=resample)
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
            length_ratio = data.windows.length_ratio(int(batch.epochs[0])) if resample else 1.0
            state.record(loss, loss * data.tokens_per_character * length_ratio)
        except DivergenceError:
            self.failed_step = FailedStep(batch, inputs, targets, resample and data.windows.uses_bpe_dropout)
            raise
        if state.average:
            state.average.update(state.model, state.step)
        self._throughput.steps += 1
        self._throughput.tokens += inputs.numel()
        self._throughput.seconds += time.perf_counter() - began
        return norm, scale

    def _calibrate(self) -> Iterator[events.CalibrationEvent]:
        """Calibrate the final weights, if the config asks for it and it is not done."""
        state, windows = self.state, self.data.calibration
        if windows is None or state.temperature is not None:
            return
        fit = fit_temperature(state.model, windows, weights=state.eval_weights, dtype=self._dtype)
        state.calibrate(fit.temperature)
        ratio = self.data.tokens_per_character
        yield events.CalibrationEvent(
            *self._position(),
            temperature=fit.temperature,
            tokens=fit.tokens,
            nats_per_character_before=fit.before * ratio,
            nats_per_character=fit.after * ratio,
        )

    def _validate(self) -> events.ValidationEvent:
        state, data = self.state, self.data
        loss = self._mean_loss(data.validation, data.validation_indices)
        train_loss = self._mean_loss(data.windows.base, data.train_indices)
        best = state.select(loss) if self.config.train.patience else False
        per_character = loss * data.validation_tokens_per_character
        return events.ValidationEvent(
            *self._position(), loss, per_character, data.split, best, train_loss, weight_norm(state.model)
        )

    def _end_epoch(self) -> events.EpochEvent:
        began, windows = time.perf_counter(), self.data.full_validation
        loss = self._mean_loss(windows, spread_indices(windows, 0))
        total, steps = self.state.epoch_losses
        self.state.epoch_losses = [0.0, 0]
        seconds = time.perf_counter() - began
        return events.EpochEvent(*self._position(), total / steps, loss, len(windows), seconds, part="validation")

    def _mean_loss(self, windows: Windows, indices: npt.NDArray[np.int64]) -> float:
        state = self.state
        loss = mean_loss(state.model, windows, indices, weights=state.eval_weights, dtype=self._dtype)
        check_finite_values(validation_loss=loss)
        return loss

    def _step_event(self, norm: float, scale: float) -> events.StepEvent:
        state, throughput = self.state, self._throughput
        self._throughput = _Throughput()
        loss, per_character = (
            sum(column) / len(state.pending_log) for column in zip(*state.pending_log, strict=True)
        )
        state.pending_log = []
        return events.StepEvent(
            *self._position(),
            loss=loss,
            nats_per_character=per_character,
            learning_rate=self.config.optimizer.learning_rate * scale,
            gradient_norm=norm,
            steps_per_second=throughput.steps / throughput.seconds,
            tokens_per_second=throughput.tokens / throughput.seconds,
            progress=self.budget.fraction_spent(state.step, state.seconds),
        )

    def _validation_due(self, spent_before: float) -> bool:
        """Return whether to validate after a step that began with that fraction of the budget spent."""
        every = self.config.train.validate_every
        if every > 0:
            return self.state.step % every == 0 or bool(self._end_reason())
        spent = self.budget.fraction_spent(self.state.step, self.state.seconds)
        times = self._validations
        return every == 0 and (int(times * spent) > int(times * spent_before) or bool(self._end_reason()))

    def _epoch_ended(self) -> bool:
        """Return whether the last step reached the end of an epoch."""
        step, per_epoch = self.state.step, self.data.order.steps_per_epoch
        return step // per_epoch > (step - 1) // per_epoch

    def _end_reason(self) -> str:
        """Return why training ends now: ``budget`` or ``patience``; empty if it continues."""
        state = self.state
        if state.decay:
            return "patience" if state.decay.over(self.budget, state.step, state.seconds) else ""
        if self.budget.spent(state.step, state.seconds):
            return "budget"
        return "patience" if self._patience_exhausted() and not self._planned_decay() else ""

    def _patience_exhausted(self) -> bool:
        patience = self.config.train.patience
        return bool(patience) and self.state.validations_since_best >= patience

    def _planned_decay(self) -> EarlyDecay | None:
        """Return the decay phase that is due because the patience is exhausted; None if there is none.

        There is none with a schedule without decay phase, or a checkpoint of an earlier version.
        """
        state = self.state
        if state.early_stop or not state.best_state or not self._patience_exhausted():
            return None
        best = int(state.best_at["step"]), state.best_at["seconds"]
        return early_decay(self.config.schedule, self.budget, best, (state.step, state.seconds))

    def _position(self) -> tuple[int, float, float]:
        epoch = self.state.step / self.data.order.steps_per_epoch
        return self.state.step, epoch, self.state.seconds
