"""Weights of a model as named tensors: read, checked against the model, and loaded into it."""

import torch

from octavo.errors import OctavoError
from octavo.model.transformer import Transformer

Tensors = dict[str, torch.Tensor]


def named_weights(model: Transformer) -> Tensors:
    """Every parameter by name, a tied one once, sharing the model's memory."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


@torch.no_grad()
def load_weights(model: Transformer, weights: Tensors) -> None:
    """Copy `weights` into `model`.

    Raises:
        OctavoError: names or shapes differ from the model's.
    """
    check_weights(model, weights)
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])


def check_weights(model: Transformer, weights: Tensors) -> None:
    """Raises OctavoError unless `weights` have the model's names and shapes, in fp32."""
    shapes = {name: (tuple(p.shape), torch.float32) for name, p in model.named_parameters()}
    if shapes != {name: (tuple(w.shape), w.dtype) for name, w in weights.items()}:
        raise OctavoError("the checkpoint's weights are not those of config.toml: one of the two was changed")
