"""One training step: forward pass, backward pass, clipping, optimizer step; and the batch of a step that diverged."""

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch.func import functional_call

from octavo.data.batch_order import Batch
from octavo.errors import DivergenceError
from octavo.kernels import cross_entropy
from octavo.model import DropoutFn, Transformer
from octavo.tokenizer import Tokenizer
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
    """Train on one batch; return its loss in nats per token, and the gradient norm before clipping.

    Args:
        model: the model; its weights are updated in place.
        optimizers: the model's optimizers.
        inputs: token ids (B, T).
        targets: the token ids (B, T) to predict.
        drop: applies dropout.
        dtype: the data type of forward and backward pass, which use copies of the weights; the weights, their
            gradients and the optimizer stay fp32.
        clip_norm: the largest gradient norm (0: no clipping).
        learning_rate_scale: the factor of the peak learning rates.

    Raises:
        DivergenceError: the loss or gradient is not finite (the weights are unchanged), or the new weights are not.
    """
    copies = {name: parameter.to(dtype) for name, parameter in model.named_parameters()}
    logits = functional_call(model, copies, (inputs,), {"drop": drop})
    loss = mean_nats(logits, targets)
    torch.autograd.backward(loss)
    norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm or math.inf, foreach=True))
    nats = loss.item()
    check_finite_values(loss=nats, gradient=norm)
    optimizers.step(learning_rate_scale)
    with torch.no_grad():
        weights_norm = torch.nn.utils.get_total_norm(model.parameters(), foreach=True)
    check_finite_values(weights=float(weights_norm))  # or they could be saved before the next loss shows it
    return nats, norm


def check_finite_values(**numbers: float) -> None:
    """Raise DivergenceError if a number is infinite or NaN; the message names it by its keyword."""
    problems = [
        f"the {name.replace('_', ' ')} became {value}" for name, value in numbers.items() if not math.isfinite(value)
    ]
    if problems:
        raise DivergenceError(
            f"{' and '.join(problems)}: lower optimizer.learning_rate (and optimizer.matrix_learning_rate), or set "
            "optimizer.clip_norm"
        )


def mean_nats(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of logits (B, T, V) and targets (B, T) in nats per token, fp32.

    The losses of tokens are computed by a kernel in fp32, or in the logits' dtype, and averaged in fp32: a mean in
    bf16 would have two digits.
    """
    if cross_entropy.supports(logits):
        return cross_entropy.mean_cross_entropy(logits.flatten(0, 1), targets.flatten())
    each = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return each.float().mean()


@dataclass(frozen=True)
class FailedStep:
    """The batch of a step that diverged, so that it can be analysed: its windows, inputs and targets (B, T)."""

    batch: Batch
    inputs: torch.Tensor
    targets: torch.Tensor
    resampled: bool  # by BPE-dropout: positions are then not those of ``data/train.npy``

    @torch.no_grad()
    def to_dict(self, model: Transformer, tokenizer: Tokenizer, stride: int) -> list[dict[str, Any]]:
        """Return for each window its position in the training split, its text, and its loss with the weights now."""
        values, batch = [], self.batch
        windows = zip(batch.indices.tolist(), batch.phases.tolist(), batch.epochs.tolist(), strict=True)
        for i, (window, phase, epoch) in enumerate(windows):
            nats = mean_nats(model(self.inputs[i : i + 1]), self.targets[i : i + 1]).item()
            position = {} if self.resampled else {"first_token": window * stride + phase}
            values.append(
                {"window": window, "epoch": epoch, "phase": phase, **position}
                | {"nats_per_token": nats if math.isfinite(nats) else str(nats)}
                | {"text": tokenizer.decode(self.targets[i].tolist())}
            )
        return values
