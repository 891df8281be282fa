"""The logit lens on a page: a row for each token, a column for each layer, coloured by probability."""

from dataclasses import dataclass

from octavo.interpret.lens import Lens, LensCell
from octavo.interpret.tokens import visible_label
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render


@dataclass(frozen=True, repr=False)
class LensView(View):
    """The logit lens of a run, as a page."""

    lens: Lens
    name: str  # of the run
    of: str  # the passage: "the first 128 tokens of the validation split"
    complete: bool = True  # False: the text continues after the passage

    @property
    def page(self) -> Page:
        """Return the page of the table."""
        description = f"The next token that each layer of {self.name} would predict while it reads {self.of}."
        return make_page(f"Logit lens of {self.name}", [lens_part(self.lens)], description=description)


def lens_part(lens: Lens) -> HtmlPart:
    """Return the table of top predictions; pointing at one shows other predictions and the actual token."""
    labels = [visible_label(label) for label in lens.passage.labels]
    actual = [*labels[1:], ""]
    rows = [
        {
            "label": label,
            "actual": actual[position],
            "cells": [_cell(layer.cells[position]) for layer in lens.layers],
        }
        for position, label in enumerate(labels)
    ]
    html = render(
        "lens.html",
        lens=lens,
        scores_note=layer_scores_note(lens),
        rows=rows,
        data={
            "actual": actual,
            "cells": [
                [_predictions(layer.cells[position]) for layer in lens.layers] for position in range(len(labels))
            ],
        },
    )
    return HtmlPart(html, ("predictions.js", "lens.js"), ("predictions.css", "lens.css"))


def layer_scores_note(lens: Lens) -> str:
    """Return what the scores of the layers are, in sentences."""
    return (
        "Bits per character of each layer, if the model ended there, over the first "
        f"{lens.held_out_characters:,.0f} characters of the validation split, and the change from the layer before. "
        "The last layer is the complete model, whose score is of all of that split."
    )


def _cell(cell: LensCell) -> dict[str, object]:
    """Return the top prediction, its colour, and whether it is the actual token; two tokens can share a label."""
    top = cell.predictions[0]
    return {"label": visible_label(top.label), "step": round(10 * top.probability), "right": cell.rank == 1}


def _predictions(cell: LensCell) -> list[object]:
    """Return the predictions of a cell with their probabilities, and probability and rank of the actual token."""
    predictions = [[visible_label(one.label), float(f"{one.probability:.3g}")] for one in cell.predictions]
    return [predictions, None if cell.probability is None else float(f"{cell.probability:.3g}"), cell.rank]
