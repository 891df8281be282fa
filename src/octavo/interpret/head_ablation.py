"""Measure what a text costs more when one head is ablated: by zero, by its mean, or to the first token.

Each ablation asks another question, so there are three. ``zero``: the head's output is zero (Michel et al., 2019).
``mean``: it is the head's mean over all windows and places, so that only what it says of this place is lost (Wang et
al., 2022). ``first``: it looks at the first token alone, where heads look that have nothing to say (Vig & Belinkov,
2019). Each head is removed alone: of two that do the same, neither is missed much. W windows.
"""

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from octavo.interpret.activations import run_with_cache
from octavo.interpret.excerpts import SampledWindows
from octavo.interpret.interventions import attend_to_first, replace_with, targets_of, zero_ablate
from octavo.model import Transformer
from octavo.model.taps import Tap
from octavo.system.progress import ProgressCallback, no_progress

Nats = npt.NDArray[np.float64]
ABLATIONS = {
    "zero": "the head's output is nothing",
    "mean": "the head's output is its mean over all of these windows",
    "first": "the head looks at the first token alone",
}
_TOKENS = 4096  # read at once


def ablation_costs(
    model: Transformer, excerpts: SampledWindows, watch: ProgressCallback = no_progress
) -> tuple[Nats, Nats]:
    """The nats of each window (W,), and for each head and removal, in the order of REMOVALS, what it costs more
    (layers, heads, 3, W)."""
    layers, heads = model.config.n_layers, model.config.n_heads
    usual, places = window_nats(model, excerpts), targets_of(model)
    means = mean_head_outputs(model, excerpts)
    costs = np.empty((layers, heads, len(ABLATIONS), len(excerpts)))
    for layer in range(layers):
        for head in range(heads):
            watch((layer * heads + head) / (layers * heads))
            place = places[f"blocks.{layer}.attention.head.{head}"]
            taps = (zero_ablate(place), replace_with(place, means[layer][head]), attend_to_first(layer, head))
            for index, tap in enumerate(taps):
                costs[layer, head, index] = window_nats(model, excerpts, tap) - usual
    return usual, costs


@torch.inference_mode()
def window_nats(model: Transformer, excerpts: SampledWindows, tap: Tap | None = None) -> Nats:
    """What each window costs a model (W,), changed by `tap`; what a start token would cost is left out."""
    nats, parts = [], (excerpts.inputs, excerpts.targets, excerpts.target_mask)
    for x, y, counts in zip(*map(_batches, parts), strict=True):
        logits = model(x, tap=tap).float()
        losses = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)
        nats.append((losses.double() * counts).sum(-1).numpy())
    return np.concatenate(nats)


def mean_head_outputs(model: Transformer, excerpts: SampledWindows) -> list[torch.Tensor]:
    """For each layer what its heads say on average, (heads, d_head)."""
    sites = [f"blocks.{layer}.attention.heads" for layer in range(model.config.n_layers)]
    sums = [torch.zeros(model.config.n_heads, model.config.head_width) for _ in sites]
    for x in _batches(excerpts.inputs):
        recorded = run_with_cache(model, x, *sites)
        for total, site in zip(sums, sites, strict=True):
            total += recorded[site].sum((0, 2))
    return [total / excerpts.inputs.numel() for total in sums]


def _batches(rows: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.split(rows, max(1, _TOKENS // rows.shape[1])))
