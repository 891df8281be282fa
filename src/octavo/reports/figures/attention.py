"""Attention as heatmaps: where each head looks from each position. T positions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from octavo.interpret.tokens import visible_label, visible_text
from octavo.reports.figures.files import all_drawable, settle_layout, with_installed_fonts
from octavo.reports.figures.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL = 3.3  # inches, of a side
_ROW = 0.13  # inches that a token needs for its label
_ACROSS, _ACROSS_IF_LARGE = 4, 2  # panels in a row
_LARGE = 24  # tokens from which on a panel is
_LETTER = 0.075  # inches that a letter of a tick label takes
_MOST_LETTERS = 40  # of a label
_MOST = 20.0  # inches, of the panels side by side or below each other


@in_own_style
def attention_figures(
    patterns: npt.NDArray[np.floating],
    tokens: Sequence[str],
    *,
    title: str = "",
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> "Iterator[Figure]":
    """Yield one figure for each of `layers` with a panel for each of `heads` (all): key across, query down.

    `patterns` are attention weights (layers, heads, T, T), rows of queries; `tokens` the T labels, whose spaces and
    newlines are made visible. Colours go from 0 to 1 in every panel, so that panels, layers and texts compare. A
    figure has a size that can be drawn, so of many tokens only some have their label.

    Raises:
        ValueError: the shapes do not fit together.
    """
    if patterns.ndim != 4 or patterns.shape[2:] != (len(tokens), len(tokens)):
        raise ValueError(f"patterns of shape {patterns.shape} do not fit {len(tokens)} tokens")
    labels = list(map(visible_label, tokens))
    before = f"{visible_text(title)}, " if title else ""
    drawn = range(patterns.shape[1]) if heads is None else heads
    return (
        _layer_figure({head: patterns[layer, head] for head in drawn}, labels, f"{before}layer {layer}")
        for layer in (range(len(patterns)) if layers is None else layers)
    )


def label_step(tokens: int, heads: int) -> int:
    """Return which tokens have their label in a figure of so many heads: all (1), every second (2) and so on."""
    _, _, side = _grid(tokens, heads)
    return max(1, math.ceil(_ROW * tokens / side))


def _grid(tokens: int, heads: int) -> tuple[int, int, float]:
    """Return how many panels are side by side and below each other, and the inches of a panel's side without room for
    labels."""
    wanted = max(_PANEL, _ROW * tokens)
    across = min(heads, _ACROSS if tokens < _LARGE else _ACROSS_IF_LARGE)
    down = math.ceil(heads / across)
    if max(across, down) * wanted > _MOST:
        across = math.ceil(math.sqrt(heads))
        down = math.ceil(heads / across)
    return across, down, min(wanted, _MOST / max(across, down))


def _layer_figure(heads: dict[int, npt.NDArray[np.floating]], labels: Sequence[str], title: str) -> "Figure":
    from matplotlib.figure import Figure

    texts = [title, *labels]
    title, *labels = all_drawable(texts)
    across, down, side = _grid(len(labels), len(heads))
    step = label_step(len(labels), len(heads))
    most = min(_MOST_LETTERS, int(side / _LETTER))
    named = {place: _shortened(labels[place], most) for place in range(0, len(labels), step)}
    size = side + _LETTER * max(map(len, named.values()), default=0)  # room for the labels at two sides
    figure = Figure(figsize=(across * size + 0.8, down * size + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=11, parse_math=False)
    panels = figure.subplots(down, across, squeeze=False).flatten()
    for axes, (head, pattern) in zip(panels, heads.items(), strict=False):
        image = axes.imshow(pattern, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
        _label(axes, named, f"head {head}")
    for axes in panels[len(heads) :]:
        axes.set_axis_off()
    figure.colorbar(image, ax=list(panels), label="attention weight", shrink=0.8, pad=0.01)
    with_installed_fonts(figure, texts)
    settle_layout(figure)  # each file would lay out all the labels anew
    return figure


def _shortened(label: str, most: int) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"


def _label(axes: Any, named: Mapping[int, str], title: str) -> None:
    axes.set_xticks(list(named), labels=named.values(), rotation=90, fontsize=7, parse_math=False)
    axes.set_yticks(list(named), labels=named.values(), fontsize=7, parse_math=False)
    axes.tick_params(length=0)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("key: the token looked at", fontsize=8)
    axes.set_ylabel("query: the token that is read", fontsize=8)
