"""One training step: forward, backward, clip, move the weights."""

import math

import torch
import torch.nn.functional as F
from torch.func import functional_call

from octavo.errors import DivergenceError
from octavo.kernels import cross_entropy
from octavo.model import DropoutFn, Transformer
from octavo.training.optimizers import Optimizers


def training_step(
    model: Transformer,
    optimizers: Optimizers,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    *,
    drop: DropoutFn,
    dtype: torch.dtype,
    clip_norm: float,
    learning_rate_scale: float,
) -> tuple[float, float]:
    """Learn from one batch, inputs and targets (B, T); its loss in nats per token, and the gradient's norm.

    Forward and backward run in `dtype`, on copies of the weights made once a step; the weights themselves, their
    gradients and the optimizer stay fp32.

    Raises:
        DivergenceError: loss or gradient is not finite (the weights are as they were), or the new weights are not.
    """
    copies = {name: parameter.to(dtype) for name, parameter in model.named_parameters()}
    logits = functional_call(model, copies, (inputs,), {"drop": drop})
    loss = mean_nats(logits, targets)
    torch.autograd.backward(loss)
    norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm or math.inf, foreach=True))
    nats = loss.item()
    check_finite(loss=nats, gradient=norm)
    optimizers.step(learning_rate_scale)
    with torch.no_grad():
        length = torch.nn.utils.get_total_norm(model.parameters(), foreach=True)
    check_finite(weights=float(length))  # else they would be saved before the next loss shows it
    return nats, norm


def check_finite(**numbers: float) -> None:
    """Raise DivergenceError if a number is infinite or not a number; the sentence calls it by its keyword."""
    wrong = [
        f"the {name.replace('_', ' ')} became {value}" for name, value in numbers.items() if not math.isfinite(value)
    ]
    if wrong:
        raise DivergenceError(
            f"{' and '.join(wrong)}: lower optimizer.learning_rate (and optimizer.matrix_learning_rate), or set "
            "optimizer.clip_norm"
        )


def mean_nats(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of logits (B, T, V) against targets (B, T), fp32.

    Token by token, by a kernel in fp32 or else in the logits' dtype, then averaged in fp32: a mean taken in bf16 has
    two digits.
    """
    if cross_entropy.supports(logits):
        return cross_entropy.mean_cross_entropy(logits.flatten(0, 1), targets.flatten())
    each = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return each.float().mean()
