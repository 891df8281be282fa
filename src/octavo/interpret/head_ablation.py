"""Measure the cost of ablating each attention head: by zero, by its mean, or to the first token. W windows.

The three ablations ask different questions. ``zero`` sets the head's output to zero (Michel et al., 2019). ``mean``
sets it to its mean over all windows and positions, so that only the information about this position is lost (Wang et
al., 2022). ``first`` lets the head attend only to the first token, as heads without a target do (Vig & Belinkov,
2019). One head is ablated at a time, so two heads that do the same both seem to cost little.
"""

import numpy as np
import torch
import torch.nn.functional as F

from octavo.evaluate.scoring import Nats
from octavo.interpret.activations import run_with_cache
from octavo.interpret.excerpts import SampledWindows
from octavo.interpret.interventions import attend_to_first, replace_with, targets_of, zero_ablate
from octavo.model import Transformer
from octavo.model.taps import Tap
from octavo.system.progress import ProgressCallback, no_progress

ABLATIONS = {
    "zero": "the head's output is zero",
    "mean": "the head's output is its mean over these windows",
    "first": "the head attends only to the first token",
}
_TOKENS_AT_ONCE = 4096


def ablation_costs(
    model: Transformer, excerpts: SampledWindows, watch: ProgressCallback = no_progress
) -> tuple[Nats, Nats]:
    """Measure the loss of each window, and how much each ablation of each head adds to it.

    Args:
        model: the model.
        excerpts: the windows.
        watch: is called with the fraction that is done.

    Returns:
        The nats of each window, (W,), and the additional nats by head and ablation, in the order of ABLATIONS,
        (layers, heads, 3, W).
    """
    layers, heads = model.config.n_layers, model.config.n_heads
    baseline, targets = window_nats(model, excerpts), targets_of(model)
    means = mean_head_outputs(model, excerpts)
    costs = np.empty((layers, heads, len(ABLATIONS), len(excerpts)))
    for layer in range(layers):
        for head in range(heads):
            watch((layer * heads + head) / (layers * heads))
            target = targets[f"blocks.{layer}.attention.head.{head}"]
            taps = (zero_ablate(target), replace_with(target, means[layer][head]), attend_to_first(layer, head))
            for index, tap in enumerate(taps):
                costs[layer, head, index] = window_nats(model, excerpts, tap) - baseline
    return baseline, costs


@torch.inference_mode()
def window_nats(model: Transformer, excerpts: SampledWindows, tap: Tap | None = None) -> Nats:
    """Return the loss of each window in nats, (W,), without the BOS tokens; `tap` may change the activations."""
    nats, parts = [], (excerpts.inputs, excerpts.targets, excerpts.target_mask)
    for x, y, counts in zip(*map(_batches, parts), strict=True):
        logits = model(x, tap=tap).float()
        losses = F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)
        nats.append((losses.double() * counts).sum(-1).numpy())
    return np.concatenate(nats)


def mean_head_outputs(model: Transformer, excerpts: SampledWindows) -> list[torch.Tensor]:
    """Return the mean output of the heads of each layer, (heads, d_head)."""
    sites = [f"blocks.{layer}.attention.heads" for layer in range(model.config.n_layers)]
    sums = [torch.zeros(model.config.n_heads, model.config.head_width) for _ in sites]
    for x in _batches(excerpts.inputs):
        cache = run_with_cache(model, x, *sites)
        for total, site in zip(sums, sites, strict=True):
            total += cache[site].sum((0, 2))
    return [total / excerpts.inputs.numel() for total in sums]


def _batches(rows: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.split(rows, max(1, _TOKENS_AT_ONCE // rows.shape[1])))
