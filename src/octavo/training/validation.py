"""Validation while training: the mean loss on some windows, and a plan of how often and on how many."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.func import functional_call

from octavo.config import Config
from octavo.config.shapes import windows_at_once
from octavo.data.windows import Windows
from octavo.model import Transformer
from octavo.model.weights import Tensors
from octavo.training.step import mean_nats

_MAX_FRACTION = 0.05  # of a budget in minutes that may go into validation
_MIN_WINDOWS = 8  # of a validation; rather than fewer, there are fewer validations
_MIN_TIMES = 4


@dataclass(frozen=True)
class ValidationPlan:
    """The number of validations of a run where ``train.validate_every`` is 0, and the windows of each (0: all)."""

    times: int = 20
    windows: int = 128


def plan_validations(config: Config, seconds_per_window: float, windows: int) -> ValidationPlan:
    """Plan the validations of a run that has `windows` windows to validate on.

    With a budget in minutes they take at most 5 % of it: on fewer windows, and if that is not enough, fewer times.
    All windows, or every so many steps, stay if the config asks for them.
    """
    train = config.train
    usual = ValidationPlan(windows=train.validation_windows)
    if not train.minutes or not train.validation_windows or train.validate_every:
        return usual
    # Each validation reads as many windows of the training split.
    affordable = int(_MAX_FRACTION * 60 * train.minutes / max(2 * seconds_per_window, 1e-9))
    each = min(windows, train.validation_windows)
    if usual.times * each <= affordable:
        return usual
    fewest = min(each, _MIN_WINDOWS)
    if usual.times * fewest <= affordable:
        return ValidationPlan(usual.times, affordable // usual.times)
    times = min(usual.times, max(_MIN_TIMES, train.patience + 2))  # with fewer, early stopping could not happen
    if times * fewest <= affordable:
        return ValidationPlan(affordable // fewest, fewest)
    return ValidationPlan(times, max(1, affordable // times))


def spread_indices(windows: Windows, count: int) -> npt.NDArray[np.int64]:
    """Return the indices of `count` windows (0: of all), evenly spread over the text."""
    total = len(windows)
    count = min(count or total, total)
    return np.linspace(0, total - 1, count).round().astype(np.int64)


@torch.no_grad()
def weight_norm(model: Transformer) -> float:
    """Return the L2 norm of all matrices of the model together; it shrinks if weight decay outweighs the gradient."""
    return float(torch.linalg.vector_norm(torch.stack([p.norm() for p in model.parameters() if p.ndim > 1])))


@torch.no_grad()
def mean_loss(
    model: Transformer,
    windows: Windows,
    indices: npt.NDArray[np.int64],
    *,
    weights: Tensors | None = None,
    dtype: torch.dtype = torch.float32,
) -> float:
    """Return the mean loss of the given windows in nats per token, with the model's weights or with `weights`."""
    named = weights or {name: parameter.detach() for name, parameter in model.named_parameters()}
    copies = {name: weight.to(dtype) for name, weight in named.items()}
    total, at_once = 0.0, windows_at_once(model.config, model.vocab_size, windows.context_length)
    for inputs, targets in windows.batches(indices, at_once):
        logits = functional_call(model, copies, (inputs,))
        total += mean_nats(logits, targets).item() * len(inputs)
    return total / len(indices)
