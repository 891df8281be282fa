"""Weights of a model as tensors by name, as checkpoints hold them.

The names are those of ``torch.nn``: ``embedding.weight``, ``blocks.0.attention.q.weight`` and so on. A matrix that
two layers share has one name.

Example: copy the weights of one model into another of the same shape::

    load_weights(other, named_weights(model))
"""

import torch

from octavo.errors import OctavoError
from octavo.model.transformer import Transformer

Tensors = dict[str, torch.Tensor]


def named_weights(model: Transformer) -> Tensors:
    """Return every parameter by name. The tensors share the model's memory and have no gradient."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


@torch.no_grad()
def load_weights(model: Transformer, weights: Tensors) -> None:
    """Copy `weights` into `model`.

    Raises:
        OctavoError: the weights do not fit the model; it is unchanged.
    """
    check_weights(model, weights)
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])


def check_weights(model: Transformer, weights: Tensors) -> None:
    """Check that `weights` have the names and shapes of the model's, and are fp32.

    Raises:
        OctavoError: they differ.
    """
    expected = {name: (tuple(p.shape), torch.float32) for name, p in model.named_parameters()}
    if expected != {name: (tuple(w.shape), w.dtype) for name, w in weights.items()}:
        raise OctavoError("the checkpoint's weights do not fit config.toml: restore the one that was changed")
