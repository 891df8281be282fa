"""The state of training: everything that a checkpoint must hold so that the next step is the same bit for bit."""

import math
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from octavo.config import Config
from octavo.errors import DivergenceError, OctavoError
from octavo.formats.json_schema import check_types, from_json
from octavo.model import Transformer
from octavo.model.weights import Tensors, check_weights, load_weights, named_weights
from octavo.runs.checkpoint import Checkpoint
from octavo.runs.checkpoint_files import BEST_OPTIMIZER, BEST_WEIGHTS
from octavo.runs.earlier_versions import upgrade_training_state
from octavo.training.calibration import scale_logits
from octavo.training.optimizers import Optimizers
from octavo.training.schedule import EarlyDecay, has_decay_phase

_RECENT = 50  # losses whose mean shows a divergence
_SAVED: dict[str, tuple[str, Any]] = {  # by key of state.json, the attribute and its type
    "step": ("step", int),
    "seconds": ("seconds", float),
    "first_loss": ("first_loss", float | None),
    "best_loss": ("best_loss", float | None),
    "waited": ("validations_since_best", int),
    "unlogged": ("pending_log", list[list[float]]),
    "epoch_losses": ("epoch_losses", list[float]),
    "recent": ("recent_losses", list[float]),
    "measured": ("validated_step", int),
    "warmed_up": ("warmed_up", bool),
    "decay_from": ("decay_from", int | None),
    "best_at": ("best_at", dict[str, float]),
    "early_stop": ("early_stop", dict[str, float]),
    "temperature": ("temperature", float | None),
}
_TYPES = {key: kind for key, (_, kind) in _SAVED.items()} | {"metrics_bytes": int}  # which the caller adds


class TrainingState:
    """Model, optimizers and position. Random numbers are functions of (seed, step), so there is no other state."""

    def __init__(self, model: Transformer, config: Config) -> None:
        self.model = model
        self.optimizers = Optimizers(model, config.optimizer)
        self._average_decay = config.train.average
        self.restart_average()
        self.best: Tensors = {}  # the weights with the lowest validation loss, if training may stop early
        self.best_loss: float | None = None
        self.best_at: dict[str, float] = {}  # the step and seconds of the best validation point
        # To return there, if a decay phase can follow: the optimizers, and the weights if `best` is their average.
        self._returns = bool(config.train.patience) and has_decay_phase(config.schedule)
        self.best_state: dict[str, Tensors] = {}
        self.early_stop: dict[str, float] = {}  # the fields of EarlyDecay, once the patience is exhausted
        self.temperature: float | None = None  # that divides the logits of `eval_weights`
        self.validations_since_best = 0
        self.step = 0
        self.saved_step = -1  # of the newest checkpoint; -1: there is none, or it lacks the best weights
        self.validated_step = 0  # the last step whose validation, if one was due, is done
        self.seconds = 0.0
        self.warmed_up = False  # the learning rate has been at its peak, and no longer budget takes it back
        self.decay_from: int | None = None  # the step from which the schedule's decay phase lowers the learning rate
        self.first_loss: float | None = None
        self.pending_log: list[list[float]] = []  # nats per token and per character since the last StepEvent
        self.epoch_losses = [0.0, 0]  # sum and number of the losses of this epoch's steps
        self.recent_losses: list[float] = []

    def restart_average(self) -> None:
        """Start the average of the weights, if there is one, at the weights as they are now."""
        decay = self._average_decay
        self.average = WeightAverage(self.model, decay) if decay else None

    @property
    def eval_weights(self) -> Tensors:
        """Return the weights to validate with: the average if there is one, else the model's own."""
        return self.average.tensors if self.average else named_weights(self.model)

    @property
    def decay(self) -> EarlyDecay | None:
        """Return the decay phase that early stopping began; None if it did not stop the run."""
        return from_json(EarlyDecay, self.early_stop) if self.early_stop else None

    def record(self, loss: float, nats_per_character: float) -> None:
        """Count one step with its loss, in nats per token and per character.

        Raises:
            DivergenceError: the mean of recent losses is over twice both the first loss and the uniform baseline.
        """
        self.first_loss = loss if self.first_loss is None else self.first_loss
        self.recent_losses = [*self.recent_losses, loss][-_RECENT:]
        uniform, mean = math.log(self.model.vocab_size), sum(self.recent_losses) / len(self.recent_losses)
        if len(self.recent_losses) == _RECENT and mean > 2 * max(self.first_loss, uniform):
            raise DivergenceError(
                f"the loss exploded: its mean over the last {_RECENT} steps is {mean:.4g} nats per token, and the "
                f"uniform baseline is {uniform:.4g}: lower optimizer.learning_rate (and "
                "optimizer.matrix_learning_rate)"
            )
        self.pending_log.append([loss, nats_per_character])
        self.epoch_losses = [self.epoch_losses[0] + loss, self.epoch_losses[1] + 1]
        self.step += 1

    def select(self, loss: float) -> bool:
        """Take in a validation loss; return whether it is the lowest so far, and copy the weights if it is."""
        if self.best_loss is None or loss < self.best_loss:
            self.best, self.best_at = _copied(self.eval_weights), {"step": self.step, "seconds": self.seconds}
            self.best_loss, self.validations_since_best, self.saved_step = loss, 0, -1
            if self._returns and not self.early_stop:
                weights = named_weights(self.model) if self.average else {}
                self.best_state = {
                    BEST_OPTIMIZER: _copied(self.optimizers.tensors()),
                    BEST_WEIGHTS: _copied(weights),
                }
            return True
        self.validations_since_best += 1
        return False

    def return_to_best(self, decay: EarlyDecay) -> None:
        """Restore weights, their average and the optimizers of the best validation point, where `decay` begins.

        The step, the clock and the position in the text stay: nothing that was recorded becomes untrue.
        """
        load_weights(self.model, self.best_state.get(BEST_WEIGHTS) or self.best)
        self.optimizers.load(self.best_state[BEST_OPTIMIZER])
        if self.average:
            self.average.tensors = _copied(self.best)
        self.best_state, self.early_stop = {}, asdict(decay)

    def calibrate(self, temperature: float) -> None:
        """Divide the logits of the weights that the run generates with by `temperature`; a checkpoint is due then."""
        scale_logits(self.eval_weights, 1 / temperature)
        self.temperature, self.saved_step = temperature, -1

    def undo_calibration(self) -> None:
        """Multiply the logits by the temperature by which they are divided: training goes on."""
        if self.temperature is not None:
            scale_logits(self.eval_weights, self.temperature)
            self.temperature = None

    def checkpoint(self, **extra: Any) -> Checkpoint:
        """Return the state as a checkpoint, with `extra` plain values."""
        values = {key: getattr(self, name) for key, (name, _) in _SAVED.items()}
        tensors = {
            "weights": named_weights(self.model),
            "optimizer": self.optimizers.tensors(),
            "averaged": self.average.tensors if self.average else {},
            "best": self.best,
            **self.best_state,
        }
        return Checkpoint(tensors, values | extra)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore the state that was saved as `checkpoint`.

        Raises:
            OctavoError: it belongs to another model or config, or its values are damaged.
        """
        values, best = upgrade_training_state(checkpoint.state), checkpoint.tensors.get("best", {})
        _check_values(values)
        load_weights(self.model, checkpoint.tensors["weights"])
        self.optimizers.load(checkpoint.tensors.get("optimizer", {}))
        if self.average:
            averaged = checkpoint.tensors.get("averaged", {})
            check_weights(self.model, averaged)
            self.average.tensors = averaged
        if best:
            check_weights(self.model, best)
        self.best = best
        groups = (BEST_OPTIMIZER, BEST_WEIGHTS)
        self.best_state = {group: tensors for group in groups if (tensors := checkpoint.tensors.get(group))}
        self.optimizers.check(self.best_state.get(BEST_OPTIMIZER, {}))
        if BEST_WEIGHTS in self.best_state:
            check_weights(self.model, self.best_state[BEST_WEIGHTS])
        for key, (name, _) in _SAVED.items():
            setattr(self, name, values[key])
        self.saved_step = self.step


def _check_values(values: dict[str, Any]) -> None:
    try:
        check_types(values, _TYPES)
        if missing := _SAVED.keys() - values.keys():
            raise ValueError(f"it has no {min(missing)}")
        if not all(len(pair) == 2 for pair in [*values["unlogged"], values["epoch_losses"]]):
            raise ValueError("its losses are not pairs")
        if values["early_stop"] and from_json(EarlyDecay, values["early_stop"]).length <= 0:
            raise ValueError("its early_stop has no length")
        if values["best_at"] and values["best_at"].keys() != {"step", "seconds"}:
            raise ValueError("its best_at is not a step and seconds")
        if values["temperature"] is not None and values["temperature"] <= 0:
            raise ValueError("its temperature is not positive")
        if any(values.get(key, 0) < 0 for key in ("step", "seconds", "waited", "measured", "metrics_bytes")):
            raise ValueError("it has a negative number")
    except ValueError as error:
        raise OctavoError(f"the checkpoint's state.json is damaged ({error}): train the run again") from None


def _copied(tensors: Tensors) -> Tensors:
    return {name: tensor.clone() for name, tensor in tensors.items()}


class WeightAverage:
    """Exponential moving average (EMA) of the weights: smoother than the last ones, at the cost of one more copy.

    The decay is smaller in early steps, so that the initial weights are soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.tensors: Tensors = {n: p.detach().clone() for n, p in model.named_parameters()}
        self._decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after `step` steps."""
        decay = min(self._decay, (1 + step) / (10 + step))
        current = dict(model.named_parameters())
        torch._foreach_lerp_(
            list(self.tensors.values()), [current[name].detach() for name in self.tensors], 1 - decay
        )
