"""Build the optimizers of a model and assign its parameters to them.

Muon updates the matrices inside the blocks, AdamW the other parameters. Weight decay applies to Muon's matrices, or
to AdamW's if there is no Muon, never to norms and biases. The kind ``adam`` is the exception: its L2 penalty is added
to every gradient.
"""

from typing import Any

import torch
from torch import nn

from octavo.config import OptimizerConfig
from octavo.errors import OctavoError
from octavo.training.muon import Muon


class Optimizers:
    """The optimizers of one model, stepped together, each at its own peak learning rate."""

    def __init__(self, model: nn.Module, config: OptimizerConfig) -> None:
        self._parts = _make(model, config)
        self._peaks = [[group["lr"] for group in part.param_groups] for part in self._parts]

    def step(self, scale: float) -> None:
        """Update the weights at `scale` times the peak learning rates, and drop the gradients."""
        for part, peaks in zip(self._parts, self._peaks, strict=True):
            for group, peak in zip(part.param_groups, peaks, strict=True):
                group["lr"] = peak * scale
            part.step()
            part.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return every tensor of the optimizers' state by name, for a checkpoint."""
        return {
            f"{i}.{parameter}.{name}": value
            for i, part in enumerate(self._parts)
            for parameter, state in part.state_dict()["state"].items()
            for name, value in state.items()
        }

    def load(self, tensors: dict[str, torch.Tensor]) -> None:
        """Restore what :meth:`tensors` returned; it is empty before the first step.

        Raises:
            OctavoError: the tensors are of other optimizers or of another model.
        """
        self.check(tensors)
        for i, part in enumerate(self._parts):
            state: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in tensors.items():
                owner, parameter, name = key.split(".")
                if int(owner) == i:
                    state.setdefault(int(parameter), {})[name] = value
            part.load_state_dict(part.state_dict() | {"state": state})

    def check(self, tensors: dict[str, torch.Tensor]) -> None:
        """Check that `tensors` can be loaded.

        Raises:
            OctavoError: they are of other optimizers or of another model.
        """
        if tensors and {name: value.shape for name, value in tensors.items()} != self._shapes():
            raise OctavoError("the checkpoint's optimizer does not fit config.toml: restore the one that was changed")

    def _shapes(self) -> dict[str, torch.Size]:
        """Return the shapes of what :meth:`tensors` returns after a step."""
        return {
            f"{i}.{index}.{name}": torch.Size() if name == "step" else parameter.shape
            for i, part in enumerate(self._parts)
            for index, parameter in enumerate(p for group in part.param_groups for p in group["params"])
            for name in (("momentum_buffer",) if isinstance(part, Muon) else ("step", "exp_avg", "exp_avg_sq"))
        }


def _make(model: nn.Module, config: OptimizerConfig) -> list[torch.optim.Optimizer]:
    settings: dict[str, Any] = {
        "lr": config.learning_rate,
        "betas": config.betas,
        "eps": config.epsilon,
        "fused": True,
    }
    if config.kind == "adam":
        return [torch.optim.Adam(model.parameters(), weight_decay=config.weight_decay, **settings)]
    parameters = dict(model.named_parameters())
    matrices = [name for name, p in parameters.items() if p.ndim == 2]
    muon_names = [n for n in matrices if n.startswith("blocks.")] if config.kind == "muon" else []
    decayed = [] if muon_names else matrices
    others = [n for n in parameters if n not in {*decayed, *muon_names}]
    groups: list[dict[str, Any]] = [
        {"params": [parameters[n] for n in names], "weight_decay": decay}
        for names, decay in ((decayed, config.weight_decay), (others, 0.0))
        if names
    ]
    adamw = torch.optim.AdamW(groups, **settings)
    if not muon_names:
        return [adamw]
    muon = Muon(
        [parameters[n] for n in muon_names],
        lr=config.matrix_learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
    )
    return [muon, adamw]
