"""Muon (Jordan et al., 2024): momentum, then the nearest orthogonal matrix, by a Newton–Schulz iteration.

The same rule as ``torch.optim.Muon``, to which a test holds it, with all matrices of one shape worked on together:
a small model has few shapes, and each of its matrices alone is too little work for a processor.
"""

import math
from collections import defaultdict
from collections.abc import Iterable

import torch

_STEPS = 5
_A, _B, _C = 3.4445, -4.775, 2.0315  # of the iteration's polynomial, steepest at zero
_EPSILON = 1e-7


class Muon(torch.optim.Optimizer):
    """Moves matrices; weight decay is decoupled."""

    def __init__(
        self, parameters: Iterable[torch.Tensor], *, lr: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # there is nothing to compute again
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[torch.Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[min(parameter.shape), max(parameter.shape)].append(parameter)
            for parameters in alike.values():
                self._move(parameters, group["lr"], group["momentum"], group["weight_decay"])

    def _move(self, parameters: list[torch.Tensor], lr: float, momentum: float, decay: float) -> None:
        updates = orthogonal(torch.stack([_wide(self._nesterov(p, momentum)) for p in parameters]))
        for parameter, update in zip(parameters, updates, strict=True):
            rows, columns = parameter.shape
            parameter.mul_(1 - lr * decay)
            parameter.add_(update if rows <= columns else update.mT, alpha=-lr * math.sqrt(max(1, rows / columns)))

    def _nesterov(self, parameter: torch.Tensor, momentum: float) -> torch.Tensor:
        """The gradient with momentum, looked ahead."""
        assert parameter.grad is not None, "those without were left out"
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        state["momentum_buffer"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(state["momentum_buffer"], momentum)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """About the nearest orthogonal matrix of each of N matrices (N, R, C), R ≤ C, in bf16: singular values of
    0.7 to 1.2, which is near enough."""
    x = matrices.bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_EPSILON)
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return x


def _wide(matrix: torch.Tensor) -> torch.Tensor:
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT
