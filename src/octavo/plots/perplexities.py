"""Perplexities as bars, beside how the loss varies from batch to batch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from octavo.plots.lettering import drawable, lettered
from octavo.plots.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#c2410c", "#cbd2d9", "#6b7885")
_BINS = 40


@in_own_style
def perplexities_figure(
    bars: Mapping[str, float], batch_losses: Sequence[float], *, floor: float | None = None, title: str = ""
) -> "Figure":
    """Two panels: `bars`, perplexities by name with their values; a histogram of `batch_losses`, nats per token,
    with its mean marked. `floor` is the perplexity of token frequencies alone, a line across the bars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    figure.suptitle(drawable(title), fontsize=11, parse_math=False)
    left, right = figure.subplots(1, 2)
    drawn = left.bar(list(bars), list(bars.values()), color=[_COLOURS[i % 3] for i in range(len(bars))], width=0.6)
    left.bar_label(drawn, labels=[f"{value:,.2f}" for value in bars.values()], padding=5)
    if floor is not None:
        left.axhline(floor, color="#0f766e", lw=1, ls=":", label=f"token frequencies alone: {floor:,.2f}")
        left.legend(frameon=False, fontsize=8, loc="upper right")
    left.set(ylabel="perplexity per token", ylim=(0, 1.2 * max([*bars.values(), floor or 0.0])))
    mean = float(np.mean(batch_losses))
    right.hist(batch_losses, bins=_BINS, color="#e0a58a")
    right.axvline(mean, color="#c2410c", lw=1.8, label=f"mean {mean:.4f}")
    right.set(xlabel="loss of a validation batch, nats per token", ylabel="batches")
    right.legend(frameon=False, fontsize=9)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return lettered(figure, [title])
