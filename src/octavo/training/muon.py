"""Muon (Jordan et al., 2024): momentum, then the nearest orthogonal matrix by a Newton–Schulz iteration.

The rule is that of ``torch.optim.Muon``, which a test compares it with. Matrices of one shape are processed together:
a small model has few shapes, and each of its matrices alone is too little work for a CPU. Each thread processes its
matrices from the beginning to the end of a step.
"""

import math
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby

import torch

from octavo.system.threads import run_in_threads

_ITERATIONS = 5  # of Newton–Schulz
_A, _B, _C = 3.4445, -4.775, 2.0315  # of the iteration's polynomial, steepest at zero
_EPSILON = 1e-7


class Muon(torch.optim.Optimizer):
    """Update matrices by Muon, with decoupled weight decay."""

    def __init__(
        self, parameters: Iterable[torch.Tensor], *, lr: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure is needed
        """Update every matrix that has a gradient."""
        for group in self.param_groups:
            updated = [parameter for parameter in group["params"] if parameter.grad is not None]
            for parameter in updated:
                if "momentum_buffer" not in (state := self.state[parameter]):
                    state["momentum_buffer"] = torch.zeros_like(parameter)
            settings = group["lr"], group["momentum"], group["weight_decay"]
            parts = _parts_of_equal_work(updated, torch.get_num_threads())
            run_in_threads([partial(self._update_all, part, *settings) for part in parts])

    @torch.no_grad()  # it holds for one thread
    def _update_all(self, parameters: Sequence[torch.Tensor], *settings: float) -> None:
        for _, same_shape in groupby(parameters, key=_shape):
            self._update(list(same_shape), *settings)

    def _update(self, parameters: list[torch.Tensor], lr: float, momentum: float, decay: float) -> None:
        updates = orthogonal(torch.stack([_wide(self._nesterov(p, momentum)) for p in parameters]))
        for parameter, update in zip(parameters, updates, strict=True):
            rows, columns = parameter.shape
            parameter.mul_(1 - lr * decay)
            parameter.add_(update if rows <= columns else update.mT, alpha=-lr * math.sqrt(max(1, rows / columns)))

    def _nesterov(self, parameter: torch.Tensor, momentum: float) -> torch.Tensor:
        """Return the gradient with Nesterov momentum."""
        assert parameter.grad is not None, "step() leaves out parameters without a gradient"
        average: torch.Tensor = self.state[parameter]["momentum_buffer"]
        average.lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(average, momentum)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Return approximately the nearest orthogonal matrix of each of N matrices (N, R, C), R ≤ C, in bf16.

    The singular values of the result are 0.7 to 1.2, which is near enough to 1.
    """
    x = matrices.bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_EPSILON)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return x


def _parts_of_equal_work(parameters: list[torch.Tensor], number: int) -> list[list[torch.Tensor]]:
    """Divide parameters, in order of their shapes, into at most `number` lists of about equal work."""
    ordered = sorted(parameters, key=_shape)
    return [part for first in range(number) if (part := ordered[first::number])]


def _shape(matrix: torch.Tensor) -> tuple[int, int]:
    """Return the shorter and the longer side."""
    return min(matrix.shape), max(matrix.shape)


def _wide(matrix: torch.Tensor) -> torch.Tensor:
    """Return the matrix, transposed if it has more rows than columns."""
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT
