"""From logits to a token: pure functions. B streams, V vocabulary."""

import torch

from octavo.options import SamplingConfig

_GREEDY = 1e-6  # so low a temperature divides by almost nothing, and has no other choice than the likeliest


def probabilities(logits: torch.Tensor, sampling: SamplingConfig) -> torch.Tensor:
    """The distribution (B, V) that a token is drawn from, float32.

    Top-k of Fan et al. (2018), top-p of Holtzman et al. (2020), min-p of Nguyen et al. (2024), in that order,
    after the temperature.
    """
    logits = logits.float()
    if sampling.temperature < _GREEDY:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    logits = (logits - logits.amax(-1, keepdim=True)) / sampling.temperature
    if 0 < sampling.top_k < logits.shape[-1]:
        likeliest = logits.topk(sampling.top_k)
        logits = torch.full_like(logits, -torch.inf).scatter(-1, likeliest.indices, likeliest.values)
    p = logits.softmax(-1)
    if sampling.top_p < 1:
        ordered, places = p.sort(-1, descending=True)
        before = ordered.cumsum(-1) - ordered  # what likelier tokens have; the likeliest always stays
        p = p.masked_fill((before >= sampling.top_p).gather(-1, places.argsort(-1)), 0.0)
    if sampling.min_p > 0:
        p = p.masked_fill(p < sampling.min_p * p.amax(-1, keepdim=True), 0.0)
    return p / p.sum(-1, keepdim=True)


def choose(p: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """Tokens (B,): for each stream the one in whose share of the distribution (B, V) its uniform (B,) falls."""
    edges = p.double().cumsum(-1)
    drawn = torch.searchsorted(edges, (uniforms.double() * edges[:, -1])[:, None], right=True)
    likely = p.shape[-1] - 1 - (p.flip(-1) > 0).int().argmax(-1)  # the last that can be
    return torch.minimum(drawn.squeeze(-1), likely)
