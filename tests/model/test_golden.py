"""Losses of a few training steps in float64, recorded when this test was written.

A change that should not alter results must not alter these. Weights and tokens are computed from integers, so that
they are the same on any machine. Parts that are computed in fp32 (sinusoids, rotations) have a larger tolerance.
"""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from octavo.config import ModelConfig, OptimizerConfig
from octavo.model import DropoutMasks, Transformer
from octavo.training.optimizers import Optimizers

PRE: dict[str, Any] = {"n_kv_heads": 2, "position": "learned"}
POST: dict[str, Any] = {
    "position": "sinusoidal",
    "norm_order": "post",
    "qk_norm": False,
    "feedforward": "relu",
    "bias": True,
    "tied_embeddings": False,
}
LAYER: dict[str, Any] = {"position": "none", "norm": "layer", "feedforward": "gelu", "bias": True}


def scattered(count: int, salt: int) -> torch.Tensor:
    """Return pseudo-random integers below 2³²."""
    return ((torch.arange(count) + 1000 * salt + 1) * 2654435761 % 2**32 * 40503 % 2**32).view(-1)


@torch.no_grad()
def model_of(settings: dict[str, Any]) -> Transformer:
    sizes = {"n_layers": 2, "d_model": 16, "n_heads": 4, "d_ff": 24, "max_positions": 16, "dropout": 0.1}
    model = Transformer(ModelConfig(**(sizes | settings)), 29).double()
    for i, parameter in enumerate(model.parameters()):
        values = (scattered(parameter.numel(), i).double() / 2**32 - 0.5).view(parameter.shape)
        parameter.copy_(values + 1 if parameter.ndim == 1 else values)
    return model


def losses(settings: dict[str, Any], kind: Any, *, dropout: bool) -> list[float]:
    model = model_of(settings)
    optimizers = Optimizers(model, OptimizerConfig(kind=kind, learning_rate=0.01, epsilon=1e-3))
    masks = DropoutMasks(42, [0.1], 4 * 10 * 16)
    results = []
    for step in range(4):
        tokens = (scattered(4 * 11, 100 + step) % 29).view(4, 11)
        drops = {"drop": masks.masks_for_step(step)} if dropout else {}
        logits = model(tokens[:, :-1], **drops)
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        torch.autograd.backward(loss)
        optimizers.step(1 / (step + 1))
        results.append(loss.item())
    return results


@pytest.mark.parametrize(
    ("settings", "kind", "dropout", "tolerance", "expected"),
    [
        (PRE, "adamw", False, 1e-10, [3.945095471207549, 3.380074120432346, 3.580987227171787, 3.790990063511388]),
        (PRE, "adamw", True, 1e-10, [4.08661701162172, 3.6429708859849015, 3.5683299107444464, 3.822233274040572]),
        (LAYER, "adam", False, 1e-10, [4.1792899947025655, 3.797779931910692, 3.672692104773015, 3.668780597629585]),
        (POST, "adam", False, 1e-6, [3.882416487301871, 3.684991909793016, 3.6430652805811463, 3.6062632008116404]),
        ({}, "adamw", False, 1e-6, [3.7666536997851, 3.2734909243399515, 3.548206001234064, 3.20252041290624]),
    ],
)
def test_losses_are_as_recorded(
    settings: dict[str, Any], kind: str, dropout: bool, tolerance: float, expected: list[float]
) -> None:
    assert losses(settings, kind, dropout=dropout) == pytest.approx(expected, rel=0, abs=tolerance)
