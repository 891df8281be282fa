"""Mean cross-entropy and, in the same pass over the logits, its gradient. N rows, V vocabulary."""

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from octavo.kernels.arguments import INT, LONG, POINTER, KernelArgs, run_kernel, supports_tensor


class _Arguments(KernelArgs):
    """``cross_entropy`` of cross_entropy.c."""

    _fields_ = (
        ("rows", LONG),
        ("width", LONG),
        ("is_bf16", INT),
        *((name, POINTER) for name in ("logits", "targets", "losses", "d_logits")),
        ("failed", INT),
    )


def supports(logits: torch.Tensor) -> bool:
    """Return whether the kernel accepts `logits`."""
    return supports_tensor(logits)


def mean_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy in nats, fp32, of logits (N, V) for targets (N).

    Raises:
        IndexError: a target is not in the vocabulary.
        MemoryError: a buffer for one row of logits could not be allocated.
    """
    return _mean_cross_entropy(logits, targets)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Any, targets: Any) -> torch.Tensor:
        logits, targets = logits.contiguous(), targets.to(torch.int64).contiguous()
        rows, width = logits.shape
        if rows and (int(targets.min()) < 0 or int(targets.max()) >= width):  # the kernel would read outside the row
            raise IndexError(f"a target is outside the vocabulary of {width}")
        losses = logits.new_empty(rows, dtype=torch.float32)
        d_logits = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        sizes = {"rows": rows, "width": width, "is_bf16": logits.dtype == torch.bfloat16}
        buffers = {"logits": logits, "targets": targets, "losses": losses, "d_logits": d_logits}
        if run_kernel("octavo_cross_entropy", _Arguments(**sizes, **buffers)):
            raise MemoryError("not enough memory for one row of logits")
        ctx.save_for_backward(d_logits)
        mean: torch.Tensor = losses.mean()
        return mean

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (d_logits,) = ctx.saved_tensors
        (scale,) = gradients
        return (d_logits if scale.item() == 1 else d_logits * scale.to(d_logits.dtype)), None


_mean_cross_entropy: Callable[..., torch.Tensor] = _CrossEntropy.apply
