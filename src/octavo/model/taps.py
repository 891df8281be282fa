"""Taps: one mechanism to look at, and to change, what flows through a model.

A tap is a function ``(site, tensor) -> tensor``, called at every named site of a forward pass. Recording
returns the tensor as it came; ablating or patching returns another. There is nothing to register or remove.

Sites, in the order of the pass (B batch, T query position, S key position, H heads, K d_head, D d_model,
F d_ff, V vocabulary)::

    embedding                        (B, T, D)  token embedding with what positions add
    blocks.I.attention.q             (B, H, T, K)  after norm and rotation; .k and .v have the key/value heads
    blocks.I.attention.scores        (B, H, T, S)  before the softmax, masked with -inf
    blocks.I.attention.pattern       (B, H, T, S)  rows sum to one
    blocks.I.attention.heads         (B, H, T, K)  what each head read, before the output projection
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
    """Show `tensor` to `tap` and return what it gives back; without a tap, `tensor` itself.

    Raises:
        ValueError: the tap gave back another shape.
    """
    if tap is None:
        return tensor
    changed = tap(site, tensor)
    if changed.shape != tensor.shape:
        raise ValueError(f"the tap turned {site} from {tuple(tensor.shape)} into {tuple(changed.shape)}")
    return changed


def within(tap: Tap | None, scope: str) -> Tap | None:
    """The same tap for the parts of `scope`, whose own names for their sites are short."""
    if tap is None:
        return None
    outer = tap
    return lambda site, tensor: tapped(outer, f"{scope}.{site}", tensor)
