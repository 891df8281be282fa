"""The attention viewer: every head of a model over one passage. T tokens."""

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from octavo.interpret.attention import Attention, Patterns
from octavo.interpret.visible import visible
from octavo.pages.page import Page, make_page
from octavo.pages.part import Part
from octavo.pages.rendering import render
from octavo.plots.attention import attention_figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ShownAttention:
    """Attention that shows itself, as a page and as figures; `layer` and `head` are seen first."""

    attention: Attention
    name: str  # of the run
    layer: int = 0
    head: int = 0

    @property
    def page(self) -> Page:
        """The viewer."""
        layers, heads, tokens = self.attention.patterns.shape[:3]
        description = (
            f"Where the heads of {self.name} look while it reads {tokens} tokens: {layers} layers of {heads} heads."
        )
        part = attention_part(self.attention, layer=self.layer, head=self.head)
        return make_page(f"Attention in {self.name}", [part], description=description, height=900)

    def figures(self) -> "list[Figure]":
        """A figure a layer, with a panel a head."""
        return attention_figures(self.attention.patterns, self.attention.passage.labels, title=self.name)

    def _repr_html_(self) -> str:
        return self.page._repr_html_()


def attention_part(attention: Attention, *, layer: int = 0, head: int = 0) -> Part:
    """The viewer, which begins with one head; without script, the passage and what each head does on average."""
    labels = attention.passage.labels
    data = {
        "labels": [visible(label) for label in labels],
        "shape": attention.patterns.shape[:3],
        "weights": _packed(attention.patterns),
        "layer": layer,
        "head": head,
    }
    html = render(
        "attention.html",
        data=data,
        tokens=[visible(label, kept=" \n") for label in labels],
        habits=_habits(attention),
    )
    return Part(html, ("attention.js",), ("attention.css",))


def _packed(patterns: Patterns) -> str:
    """Weights (layers, heads, T, T) in base64: of each head the rows of the lower triangle, a byte a weight.

    A byte is the weight times 255, rounded, so that what is shown is within 0.2 % of attention of what was computed.
    """
    queries, keys = np.tril_indices(patterns.shape[-1])
    return b64encode(np.rint(255 * patterns[..., queries, keys]).astype(np.uint8).tobytes()).decode()


def _habits(attention: Attention) -> list[dict[str, object]]:
    """The rows of the table."""
    layers, heads = attention.patterns.shape[:2]
    labels = [visible(label) for label in attention.passage.labels]
    rows: list[dict[str, object]] = []
    for layer, head in np.ndindex(layers, heads):
        if habit := attention.habit(layer, head):
            shares = (habit.first, habit.before, habit.itself)
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
