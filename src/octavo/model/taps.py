"""Taps: one mechanism to read and to change the activations of a forward pass.

A tap is a function ``(site, tensor) -> tensor`` that is called at every named site. To record, it returns the tensor
unchanged; to ablate or patch, it returns another tensor of the same shape. There are no hooks to register or remove.

Example: record the attention patterns of all layers::

    patterns = {}

    def record(site, tensor):
        if site.endswith("attention.pattern"):
            patterns[site] = tensor
        return tensor

    model(input_ids, tap=record)

Sites, in the order of the forward pass (B batch, T query position, S key position, H heads, K d_head, D d_model,
F d_ff, V vocabulary)::

    embedding                        (B, T, D)  token embedding plus absolute positions
    blocks.I.attention.q             (B, H, T, K)  after norm and rotation; .k and .v have the key/value heads
    blocks.I.attention.scores        (B, H, T, S)  before the softmax, masked with -inf
    blocks.I.attention.pattern       (B, H, T, S)  rows sum to one
    blocks.I.attention.heads         (B, H, T, K)  output of each head, before the output projection
    blocks.I.attention.output        (B, T, D)
    blocks.I.feedforward.hidden      (B, T, F)
    blocks.I.feedforward.output      (B, T, D)
    blocks.I.output                  (B, T, D)  the residual stream after the block
    final_norm                       (B, T, D)
    logits                           (B, T, V)
"""

from collections.abc import Callable

import torch

Tap = Callable[[str, torch.Tensor], torch.Tensor]


def tapped(tap: Tap | None, site: str, tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor that `tap` returns for `tensor`, or `tensor` itself if there is no tap.

    Raises:
        ValueError: the tap returned another shape.
    """
    if tap is None:
        return tensor
    changed = tap(site, tensor)
    if changed.shape != tensor.shape:
        shapes = f"from {tuple(tensor.shape)} into {tuple(changed.shape)}"
        raise ValueError(f"the tap turned {site} {shapes}: let it return the shape that it receives")
    return changed


def within(tap: Tap | None, scope: str) -> Tap | None:
    """Return a tap for a part of the model, which names its sites without `scope`; the result prefixes them."""
    if tap is None:
        return None
    outer = tap
    return lambda site, tensor: tapped(outer, f"{scope}.{site}", tensor)
