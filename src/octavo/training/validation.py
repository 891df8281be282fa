"""A cheap look at text that is not trained on, while training: the mean loss over some windows of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.func import functional_call

from octavo.config import Config
from octavo.config.shapes import windows_at_once
from octavo.data import Windows
from octavo.model import Transformer
from octavo.model.weights import Tensors
from octavo.training.step import mean_nats

_MOST_OF_BUDGET = 0.05  # of the minutes that may go into validation
_FEWEST_WINDOWS = 8  # of a validation, before there are fewer of them
_FEWEST_TIMES = 4


@dataclass(frozen=True)
class ValidationPlan:
    """Set how often a run validates where ``train.validate_every`` is 0, and on how many windows (0: on all)."""

    times: int = 20
    windows: int = 128


def plan_validations(config: Config, seconds_per_window: float, windows: int) -> ValidationPlan:
    """Return the validations of a run that has `windows` windows to validate on.

    Those of a budget in minutes take at most 5 % of it: fewer windows, and if that does not do, fewer times. What
    the config asks for outright, all windows or every so many steps, stays.
    """
    train = config.train
    usual = ValidationPlan(windows=train.validation_windows)
    if not train.minutes or not train.validation_windows or train.validate_every:
        return usual
    # Each validation reads as many windows of the training part.
    most = int(_MOST_OF_BUDGET * 60 * train.minutes / max(2 * seconds_per_window, 1e-9))
    each = min(windows, train.validation_windows)
    if usual.times * each <= most:
        return usual
    fewest = min(each, _FEWEST_WINDOWS)
    if usual.times * fewest <= most:
        return ValidationPlan(usual.times, most // usual.times)
    times = min(usual.times, max(_FEWEST_TIMES, train.patience + 2))  # with fewer, early stopping would never come
    if times * fewest <= most:
        return ValidationPlan(most // fewest, fewest)
    return ValidationPlan(times, max(1, most // times))


def spread_indices(windows: Windows, count: int) -> npt.NDArray[np.int64]:
    """Indices of `count` windows (0: of all), evenly spread over the text."""
    total = len(windows)
    count = min(count or total, total)
    return np.linspace(0, total - 1, count).round().astype(np.int64)


@torch.no_grad()
def weight_norm(model: Transformer) -> float:
    """Length of all matrices of the model as one vector: what shrinks where weight decay outweighs the gradient."""
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
    """Nats per token over the given windows, with the model's weights or with other `weights` in their place."""
    named = weights or {name: parameter.detach() for name, parameter in model.named_parameters()}
    copies = {name: weight.to(dtype) for name, weight in named.items()}
    total = 0.0
    at_once = windows_at_once(model.config, model.vocab_size, windows.context_length)
    for start in range(0, len(indices), at_once):
        inputs, targets = windows.gather(indices[start : start + at_once])
        logits = functional_call(model, copies, (inputs,))
        total += mean_nats(logits, targets).item() * len(inputs)
    return total / len(indices)
