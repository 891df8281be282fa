"""The attention viewer: every head of a model over one passage. T tokens."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from octavo.interpret.attention import Attention, Patterns
from octavo.interpret.direction import is_placeholder, text_direction
from octavo.interpret.tokens import inline_label, visible_label
from octavo.reports.figures.attention import attention_figures, label_step
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render
from octavo.system.terminal import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class AttentionView(View):
    """Attention that shows itself, as a page and as figures; without a `layer` or a `head`, of all of them."""

    attention: Attention
    name: str  # of the run
    of: str  # what the passage is of: "the first 48 tokens of its held-out text"
    layer: int | None = None
    head: int | None = None
    whole: bool = True  # False: the text goes on

    @property
    def page(self) -> Page:
        """The viewer of all heads, which begins with the one asked for."""
        layers, heads = self.attention.patterns.shape[:2]
        part = attention_part(self.attention, layer=self.layer or 0, head=self.head or 0)
        return make_page(
            f"Attention in {self.name}",
            [part],
            description=f"Where each head looks while the model reads {self.of}: {counted(layers, 'layer')} of "
            f"{counted(heads, 'head')}.",
            height=900,
        )

    def figures(self) -> "Mapping[str, Figure]":
        """A figure a layer, with a panel a head, by what it is of: ``layer-0``, or ``layer-0-head-2``.

        Each is drawn when it is asked for, since all of them at once take much memory.
        """
        layers = range(len(self.attention.patterns)) if self.layer is None else [self.layer]
        head = "" if self.head is None else f"-head-{self.head}"
        return _Figures(self, {f"layer-{layer}{head}": layer for layer in layers})

    @property
    def named_tokens(self) -> int:
        """Return which tokens of a figure have their label: all (1), every second (2) and so on."""
        return label_step(
            len(self.attention.passage.ids), self.attention.patterns.shape[1] if self.head is None else 1
        )


class _Figures(Mapping[str, "Figure"]):
    """The figures of layers by name, drawn on demand."""

    def __init__(self, shown: AttentionView, layers: Mapping[str, int]) -> None:
        self._shown, self._layers = shown, layers

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __getitem__(self, name: str) -> "Figure":
        shown = self._shown
        (figure,) = attention_figures(
            shown.attention.patterns,
            shown.attention.passage.labels,
            title=shown.name,
            layers=[self._layers[name]],
            heads=None if shown.head is None else [shown.head],
        )
        return figure


def attention_part(attention: Attention, *, layer: int = 0, head: int = 0) -> HtmlPart:
    """The viewer, which begins with one head; without script, the passage and what each head does on average."""
    labels = attention.passage.labels
    data = {
        "labels": [visible_label(label) for label in labels],
        "shape": attention.patterns.shape[:3],
        "weights": _packed(attention.patterns),
        "layer": layer,
        "head": head,
    }
    html = render(
        "attention.html",
        data=data,
        tokens=[(inline_label(label), is_placeholder(label) or "\\" in inline_label(label)) for label in labels],
        direction=text_direction(labels),
        apart=not any(character.isspace() for label in labels for character in label),
        habits=_habits(attention),
    )
    return HtmlPart(html, ("attention.js",), ("attention.css",))


def _packed(patterns: Patterns) -> str:
    """Weights (layers, heads, T, T) in base64: of each head the rows of the lower triangle, a byte a weight.

    A byte is the weight times 255, rounded, so that what is shown is within 0.2 % of attention of what was computed.
    """
    queries, keys = np.tril_indices(patterns.shape[-1])
    return b64encode(np.rint(255 * patterns[..., queries, keys]).astype(np.uint8).tobytes()).decode()


def _habits(attention: Attention) -> list[dict[str, object]]:
    """The rows of the table."""
    layers, heads = attention.patterns.shape[:2]
    labels = [visible_label(label) for label in attention.passage.labels]
    rows: list[dict[str, object]] = []
    for layer, head in np.ndindex(layers, heads):
        if habit := attention.summary(layer, head):
            shares = (habit.first_token, habit.previous_token, habit.current_token)
            query, key = habit.strongest
            row = {
                "head": f"layer {layer}, head {head}",
                "shares": (*shares, max(0.0, 1 - sum(shares))),
                "distance": habit.distance,
                "query": labels[query],
                "key": labels[key],
                "weight": attention.patterns[layer, head, query, key],
            }
            rows.append(row)
    return rows
