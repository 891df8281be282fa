"""The logit lens on a page: a row for each token, a column for each layer, coloured by probability."""

from dataclasses import dataclass

from octavo.interpret.lens import Lens, LensCell
from octavo.interpret.tokens import visible_label
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render


@dataclass(frozen=True, repr=False)
class LensView(View):
    """A lens that shows itself as a page."""

    lens: Lens
    name: str  # of the run
    of: str  # what the passage is of: "the first 128 tokens of its held-out text"
    whole: bool = True  # False: the text goes on

    @property
    def page(self) -> Page:
        """The table."""
        description = f"What each layer of {self.name} would already predict while it reads {self.of}."
        return make_page(f"The layers of {self.name}", [lens_part(self.lens)], description=description)


def lens_part(lens: Lens) -> HtmlPart:
    """The table of every layer's likeliest next token; pointing at one tells its odds, and those of what came."""
    labels = [visible_label(label) for label in lens.passage.labels]
    came = [*labels[1:], ""]
    rows = [
        {
            "label": label,
            "came": came[place],
            "cells": [_cell(layer.cells[place]) for layer in lens.layers],
        }
        for place, label in enumerate(labels)
    ]
    html = render(
        "lens.html",
        lens=lens,
        rows=rows,
        data={
            "came": came,
            "cells": [[_odds(layer.cells[place]) for layer in lens.layers] for place in range(len(labels))],
        },
    )
    return HtmlPart(html, ("odds.js", "lens.js"), ("odds.css", "lens.css"))


def _cell(cell: LensCell) -> dict[str, object]:
    """The likeliest token, its colour, and whether it is what came; two tokens can share a label."""
    guess = cell.predictions[0]
    return {"label": visible_label(guess.label), "step": round(10 * guess.probability), "right": cell.rank == 1}


def _odds(cell: LensCell) -> list[object]:
    """What a script tells of a cell: guesses with their probabilities, and probability and rank of what came."""
    guesses = [[visible_label(guess.label), float(f"{guess.probability:.3g}")] for guess in cell.predictions]
    return [guesses, None if cell.probability is None else float(f"{cell.probability:.3g}"), cell.rank]
