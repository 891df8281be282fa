"""Attention patterns as heatmaps, a panel for each head. T positions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from octavo.interpret.tokens import visible_label, visible_text
from octavo.reports.figures.files import all_drawable, make_figure, settle_layout, with_installed_fonts
from octavo.reports.figures.style import in_own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL = 3.3  # inches of a side, at least
_LABEL_HEIGHT = 0.13  # inches of a tick label
_COLUMNS, _COLUMNS_IF_LARGE = 4, 2  # panels in a row
_LARGE = 24  # tokens of a large panel
_LETTER = 0.075  # inches of a letter of a tick label
_MAX_LETTERS = 40  # of a tick label
_MAX_SIDE = 20.0  # inches of all panels, in either direction


def attention_figures(
    patterns: npt.NDArray[np.floating],
    tokens: Sequence[str],
    *,
    title: str = "",
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
) -> "Iterator[Figure]":
    """Yield a figure for each layer with a panel for each head: keys on the horizontal axis, queries on the vertical.

    Colours go from 0 to 1 in every panel, so that panels, layers and texts can be compared. The size of a figure is
    limited, so of many tokens only some have a label.

    Args:
        patterns: attention weights (layers, heads, T, T), a row for each query.
        tokens: T labels, whose spaces and newlines are made visible.
        title: is written above the panels, before the number of the layer.
        layers: the layers to draw; None: all.
        heads: the heads to draw; None: all.

    Raises:
        ValueError: the shapes do not match.
    """
    if patterns.ndim != 4 or patterns.shape[2:] != (len(tokens), len(tokens)):
        raise ValueError(f"patterns of shape {patterns.shape} do not match {len(tokens)} tokens")
    labels = list(map(visible_label, tokens))
    before = f"{visible_text(title)}, " if title else ""
    head_numbers = range(patterns.shape[1]) if heads is None else heads
    return (
        _layer_figure({head: patterns[layer, head] for head in head_numbers}, labels, f"{before}layer {layer}")
        for layer in (range(len(patterns)) if layers is None else layers)
    )


def label_step(tokens: int, heads: int) -> int:
    """Return the step of labelled tokens in a figure of so many heads: all tokens (1), every second (2) and so on."""
    _, _, side = _grid(tokens, heads)
    return max(1, math.ceil(_LABEL_HEIGHT * tokens / side))


def _grid(tokens: int, heads: int) -> tuple[int, int, float]:
    """Return the columns and rows of panels, and the inches of a panel's side without labels."""
    wanted = max(_PANEL, _LABEL_HEIGHT * tokens)
    columns = min(heads, _COLUMNS if tokens < _LARGE else _COLUMNS_IF_LARGE)
    rows = math.ceil(heads / columns)
    if max(columns, rows) * wanted > _MAX_SIDE:
        columns = math.ceil(math.sqrt(heads))
        rows = math.ceil(heads / columns)
    return columns, rows, min(wanted, _MAX_SIDE / max(columns, rows))


@in_own_style  # here, as the figures are made one by one, when they are asked for
def _layer_figure(heads: dict[int, npt.NDArray[np.floating]], labels: Sequence[str], title: str) -> "Figure":
    texts = [title, *labels]
    title, *labels = all_drawable(texts)
    columns, rows, side = _grid(len(labels), len(heads))
    step = label_step(len(labels), len(heads))
    max_letters = min(_MAX_LETTERS, int(side / _LETTER))
    named = {position: _shortened(labels[position], max_letters) for position in range(0, len(labels), step)}
    size = side + _LETTER * max(map(len, named.values()), default=0)  # with labels at two sides
    figure = make_figure(columns * size + 0.8, rows * size + 0.5, title)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, (head, pattern) in zip(panels, heads.items(), strict=False):
        image = axes.imshow(pattern, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
        _label(axes, named, f"head {head}")
    for axes in panels[len(heads) :]:
        axes.set_axis_off()
    figure.colorbar(image, ax=list(panels), label="attention weight", shrink=0.8, pad=0.01)
    with_installed_fonts(figure, texts)
    settle_layout(figure)  # or each file would lay out all labels again
    return figure


def _shortened(label: str, max_letters: int) -> str:
    return label if len(label) <= max_letters else label[: max_letters - 1] + "…"


def _label(axes: Any, named: Mapping[int, str], title: str) -> None:
    axes.set_xticks(list(named), labels=named.values(), rotation=90, fontsize=7, parse_math=False)
    axes.set_yticks(list(named), labels=named.values(), fontsize=7, parse_math=False)
    axes.tick_params(length=0)
    axes.set_title(title, fontsize=9)
    axes.set_xlabel("key: the token attended to", fontsize=8)
    axes.set_ylabel("query: the current token", fontsize=8)
