"""The attention viewer: every head of a model over one passage. T tokens."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from octavo.interpret.attention import AttentionPatterns, Patterns
from octavo.interpret.tokens import inline_label, is_placeholder, text_direction, visible_label
from octavo.reports.figures.attention import attention_figures, label_step
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render
from octavo.system.terminal import quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False)
class AttentionView(View):
    """The attention of a run over a passage, as a page and as figures: of one `layer` or `head`, or of all."""

    attention: AttentionPatterns
    name: str  # of the run
    of: str  # the passage: "the first 48 tokens of the validation split"
    layer: int | None = None
    head: int | None = None
    complete: bool = True  # False: the text continues after the passage

    @property
    def page(self) -> Page:
        """Return the page of all heads, which first shows the one that was asked for."""
        layers, heads = self.attention.patterns.shape[:2]
        part = attention_part(self.attention, layer=self.layer or 0, head=self.head or 0)
        return make_page(
            f"Attention in {self.name}",
            [part],
            description=f"Attention weights of {quantity(layers, 'layer')} of {quantity(heads, 'head')} while the "
            f"model reads {self.of}.",
            height=900,
        )

    def figures(self) -> "Mapping[str, Figure]":
        """Return a figure for each layer with a panel for each head, by name: ``layer-0``, or ``layer-0-head-2``.

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

    def __init__(self, view: AttentionView, layers: Mapping[str, int]) -> None:
        self._view, self._layers = view, layers

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __getitem__(self, name: str) -> "Figure":
        view = self._view
        (figure,) = attention_figures(
            view.attention.patterns,
            view.attention.passage.labels,
            title=view.name,
            layers=[self._layers[name]],
            heads=None if view.head is None else [view.head],
        )
        return figure


def attention_part(attention: AttentionPatterns, *, layer: int = 0, head: int = 0) -> HtmlPart:
    """Return the viewer, which first shows one head; without script, the passage and the table of mean weights."""
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
        summaries=_summaries(attention),
    )
    return HtmlPart(html, ("attention.js",), ("attention.css",))


def _packed(patterns: Patterns) -> str:
    """Return weights (layers, heads, T, T) in base64: the lower triangle of each head by rows, a byte a weight.

    A byte is 255 times the weight, rounded, so the weight on the page has an error of at most 0.2 percentage points.
    """
    queries, keys = np.tril_indices(patterns.shape[-1])
    return b64encode(np.rint(255 * patterns[..., queries, keys]).astype(np.uint8).tobytes()).decode()


def _summaries(attention: AttentionPatterns) -> list[dict[str, object]]:
    """Return the rows of the table: the mean weights of each head."""
    layers, heads = attention.patterns.shape[:2]
    labels = [visible_label(label) for label in attention.passage.labels]
    rows: list[dict[str, object]] = []
    for layer, head in np.ndindex(layers, heads):
        if summary := attention.summary(layer, head):
            fractions = (summary.first_token, summary.previous_token, summary.current_token)
            query, key = summary.strongest
            row = {
                "head": f"layer {layer}, head {head}",
                "fractions": (*fractions, max(0.0, 1 - sum(fractions))),
                "distance": summary.distance,
                "query": labels[query],
                "key": labels[key],
                "weight": attention.patterns[layer, head, query, key],
            }
            rows.append(row)
    return rows
