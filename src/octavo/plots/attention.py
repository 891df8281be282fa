"""Attention as heatmaps: where each head looks from each position. T positions."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from octavo.interpret.visible import running, visible
from octavo.plots.lettering import drawable
from octavo.plots.saving import settle_layout
from octavo.plots.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL = 3.3  # inches, of a side
_ROW = 0.13  # inches that a token needs for its label
_ACROSS, _ACROSS_IF_LARGE = 4, 2  # panels in a row
_LARGE = 24  # tokens from which on a panel is
_LETTER = 0.075  # inches that a letter of a tick label takes


@in_own_style
def attention_figures(
    patterns: npt.NDArray[np.floating],
    tokens: Sequence[str],
    *,
    title: str = "",
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> "list[Figure]":
    """One figure for each of `layers` with a panel for each of `heads` (all): key across, query down.

    `patterns` are attention weights (layers, heads, T, T), rows of queries; `tokens` the T labels, whose spaces and
    newlines are made visible. Colours go from 0 to 1 in every panel, so that panels, layers and texts compare.

    Raises:
        ValueError: the shapes do not fit together.
    """
    if patterns.ndim != 4 or patterns.shape[2:] != (len(tokens), len(tokens)):
        raise ValueError(f"patterns of shape {patterns.shape} do not fit {len(tokens)} tokens")
    labels = [drawable(visible(token)) for token in tokens]
    before = f"{drawable(running(title))}, " if title else ""
    drawn = range(patterns.shape[1]) if heads is None else heads
    return [
        _layer_figure({head: patterns[layer, head] for head in drawn}, labels, f"{before}layer {layer}")
        for layer in (range(len(patterns)) if layers is None else layers)
    ]


def _layer_figure(heads: dict[int, npt.NDArray[np.floating]], labels: Sequence[str], title: str) -> "Figure":
    from matplotlib.figure import Figure

    across = min(len(heads), _ACROSS if len(labels) < _LARGE else _ACROSS_IF_LARGE)
    down = math.ceil(len(heads) / across)
    room = _LETTER * max(map(len, labels), default=0)  # for the labels at two sides
    size = max(_PANEL, _ROW * len(labels)) + room
    figure = Figure(figsize=(across * size + 0.8, down * size + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=11, parse_math=False)
    panels = figure.subplots(down, across, squeeze=False).flatten()
    for axes, (head, pattern) in zip(panels, heads.items(), strict=False):
        image = axes.imshow(pattern, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
        _label(axes, labels, f"head {head}")
    for axes in panels[len(heads) :]:
        axes.set_axis_off()
    figure.colorbar(image, ax=list(panels), label="attention weight", shrink=0.8, pad=0.01)
    settle_layout(figure)  # each file would lay out all the labels anew
    return figure


def _label(axes: Any, labels: Sequence[str], title: str) -> None:
    places = range(len(labels))
    axes.set_xticks(places, labels=labels, rotation=90, fontsize=7, parse_math=False)
    axes.set_yticks(places, labels=labels, fontsize=7, parse_math=False)
    axes.tick_params(length=0)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("key: the token looked at", fontsize=8)
    axes.set_ylabel("query: the token that is read", fontsize=8)
