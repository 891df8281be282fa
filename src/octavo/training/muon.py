"""Muon (Jordan et al., 2024): momentum, then the nearest orthogonal matrix, by a Newton–Schulz iteration.

The same rule as ``torch.optim.Muon``, to which a test holds it, with matrices of one shape worked on together: a
small model has few shapes, and each of its matrices alone is too little work for a processor. Each thread has its
share of them from the beginning to the end of a step.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial

import torch

from octavo.system.threads import run_in_threads

_STEPS = 5
_A, _B, _C = 3.4445, -4.775, 2.0315  # of the iteration's polynomial, steepest at zero
_EPSILON = 1e-7
_Shape = tuple[int, int]


class Muon(torch.optim.Optimizer):
    """Moves matrices; weight decay is decoupled."""

    def __init__(
        self, parameters: Iterable[torch.Tensor], *, lr: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    def step(self, closure: None = None) -> None:  # type: ignore[override]  # there is nothing to compute again
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            moved = [parameter for parameter in group["params"] if parameter.grad is not None]
            for parameter in moved:
                if "momentum_buffer" not in (state := self.state[parameter]):
                    state["momentum_buffer"] = torch.zeros_like(parameter)
            settings = group["lr"], group["momentum"], group["weight_decay"]
            shares = _shares(moved, torch.get_num_threads())
            run_in_threads([partial(self._move_all, share, *settings) for share in shares])

    @torch.no_grad()  # each thread has to be told
    def _move_all(self, parameters: Sequence[torch.Tensor], *settings: float) -> None:
        alike: dict[_Shape, list[torch.Tensor]] = defaultdict(list)
        for parameter in parameters:
            alike[_shape(parameter)].append(parameter)
        for of_one_shape in alike.values():
            self._move(of_one_shape, *settings)

    def _move(self, parameters: list[torch.Tensor], lr: float, momentum: float, decay: float) -> None:
        updates = orthogonal(torch.stack([_wide(self._nesterov(p, momentum)) for p in parameters]))
        for parameter, update in zip(parameters, updates, strict=True):
            rows, columns = parameter.shape
            parameter.mul_(1 - lr * decay)
            parameter.add_(update if rows <= columns else update.mT, alpha=-lr * math.sqrt(max(1, rows / columns)))

    def _nesterov(self, parameter: torch.Tensor, momentum: float) -> torch.Tensor:
        """The gradient with momentum, looked ahead."""
        assert parameter.grad is not None, "those without were left out"
        average: torch.Tensor = self.state[parameter]["momentum_buffer"]
        average.lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(average, momentum)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """About the nearest orthogonal matrix of each of N matrices (N, R, C), R ≤ C, in bf16: singular values of
    0.7 to 1.2, which is near enough."""
    x = matrices.bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_EPSILON)
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return x


def _shares(parameters: list[torch.Tensor], number: int) -> list[list[torch.Tensor]]:
    """At most `number` shares of about as much work each: those of one shape are dealt out like cards."""
    dealt = sorted(parameters, key=_shape)
    return [share for first in range(number) if (share := dealt[first::number])]


def _shape(matrix: torch.Tensor) -> _Shape:
    """However it lies."""
    return min(matrix.shape), max(matrix.shape)


def _wide(matrix: torch.Tensor) -> torch.Tensor:
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT
