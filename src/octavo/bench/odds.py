"""Weights for a model that was never trained, under which it writes like one that was: a text's odds, and no end."""

import math

import torch

from octavo.model import Transformer

_LEVEL = 2.0  # of the first column: all others are noise beside it


@torch.no_grad()
def give_odds(model: Transformer, end_id: int) -> None:
    """Let tokens be as frequent as Zipf's law has it, and `end_id` never come.

    An untrained model with tied embeddings likes its last token best, and others alike: after the start token nothing
    is written at all, and a sampler's work is not that on a text. Here the first column of the embedding, which the
    last norm brings to about sqrt(d_model) whatever came before, holds the logarithm of each token's frequency.
    """
    weight = model.embedding.weight
    scale = math.sqrt(weight.shape[1])
    weight[:, 0] = _LEVEL - torch.log(torch.arange(1, len(weight) + 1)) / scale
    weight[end_id] = 0.0
    weight[end_id, 0] = 0.5 * _LEVEL  # by default e⁻¹¹ times as likely as the likeliest; a text begins with it
