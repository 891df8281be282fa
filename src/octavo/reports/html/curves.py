"""Training curves on a page: to zoom, to smooth and to read values off."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from octavo.config import SPLIT_LABELS
from octavo.formats.files import user_path
from octavo.reports.blocks import Table
from octavo.reports.figures.curves import FIGURE_AXES, curves_figure, draw_curves
from octavo.reports.html.axis import number
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render
from octavo.reports.html.panels import INITIAL_FALL, MAX_MARKED, PANELS, WINDOWS, draw_panel, initial_window
from octavo.reports.series import AXES, BITS, LABELS, NATS, TRAIN, TRAIN_SPLIT, Points, TrainingCurve, points_of

_MAX_ROWS = 40  # of the table
_COLOUR = {TRAIN: 0, TRAIN_SPLIT: 2}  # of a line where there is one run; the line of validation has 1
_COLOURS = 8  # of runs; as many more runs have the same colours with dotted lines
_SCRIPTS = ("chart.js", "plot.js", "gestures.js", "controls.js", "curves.js")


def curves_part(curves: Sequence[TrainingCurve]) -> HtmlPart:
    """Return the curves of one run, or of several in the same panels. A run without lines of metrics has no lines.

    Raises:
        LookupError, TypeError, ValueError: a line of metrics lacks what its kind should have.
    """
    runs = len(curves)
    drawn = [(run, points) for run, curve in enumerate(curves) for points in points_of(curve, runs)]
    labels = {kind: LABELS[kind] for kind in LABELS if any(p.kind == kind and p.panel == "loss" for _, p in drawn)}
    # Of several runs only the validation loss is drawn at first: it is comparable, and all lines would be too many.
    validated = {run for run, p in drawn if p.kind in SPLIT_LABELS}
    hidden = [TRAIN, TRAIN_SPLIT] if runs > 1 and validated == {run for run, _ in drawn} else []
    visible = [(run, p) for run, p in drawn if p.panel != "loss" or p.kind not in hidden]
    panels = [panel for panel in PANELS if any(p.panel == panel.key for _, p in drawn)]

    def classes(run: int | None, kind: str) -> str:
        """Return the CSS classes of a line; run None: of the legend of kinds."""
        again, colour = divmod(run or 0, _COLOURS)
        colour = _COLOUR.get(kind, 1) if runs == 1 else 0 if run is None else colour + 1
        return f"c{colour}" + " dashed" * (kind == TRAIN_SPLIT) + " dotted" * (again % 2)

    html = render(
        "curves.html",
        data={
            "axes": AXES,
            "kinds": {
                kind: {"name": name, "classes": [classes(run, kind) for run in range(runs)]}
                for kind, name in labels.items()
            },
            "squares": TRAIN_SPLIT,
            "hidden": hidden,
            "runs": [curve.name for curve in curves],
            "initialFall": INITIAL_FALL,
            "maxMarked": MAX_MARKED,
            "windows": WINDOWS,
            "window": max((initial_window(len(p.at["step"])) for _, p in drawn if p.noisy), default=1),
            "panels": {p.key: {"title": p.title, "units": p.units, "zero": p.zero, "ticks": p.ticks} for p in panels},
            "series": [_series(run, points) for run, points in drawn],
        },
        classes=classes,
        labels=labels,
        unmarked=TRAIN,
        panels=[draw_panel(panel, [one for one in visible if one[1].panel == panel.key], runs) for panel in panels],
        caption=_caption(curves, drawn, hidden),
        table=_table_of_one(curves[0]) if runs == 1 else _table_of_many(curves, drawn, labels),
    )
    return HtmlPart(html, _SCRIPTS, ("curves.css",))


def _series(run: int, points: Points) -> dict[str, Any]:
    """Return a series for the script; minimum and maximum only where they are not the mean itself."""
    rows = slice(None) if points.lines > 1 and points.noisy else slice(1)
    return {
        "run": run,
        "panel": points.panel,
        "kind": points.kind,
        "noisy": points.noisy,
        "at": {axis: _rounded(values) for axis, values in points.at.items()},
        "values": {unit: [_rounded(row) for row in values[rows]] for unit, values in points.values.items()},
    }


def _rounded(values: Iterable[float]) -> list[float]:
    """Round to six significant digits: more than a picture shows would only make the file larger."""
    return [int(v) if v.is_integer() else v for v in (float(f"{value:.6g}") for value in values)]


def _caption(curves: Sequence[TrainingCurve], drawn: Sequence[tuple[int, Points]], hidden: Sequence[str]) -> str:
    sentences = _notes(curves)
    if any(p.kind == TRAIN for _, p in drawn):
        sentences.append(
            "Training loss is measured with dropout while the weights are being updated. Faint: logged values; "
            "solid: their running mean."
        )
    if any(p.kind == TRAIN_SPLIT for _, p in drawn):
        sentences.append(
            "A validation pass reads as many windows of the training split as of the validation split, without "
            "dropout and each with an empty context. The score reads the complete validation split with more context "
            "before most tokens, so no curve ends at the score."
        )
    if hidden:
        sentences.append("At first only the validation loss is drawn; the legend switches the other lines on.")
    combined = [p.lines for _, p in drawn if p.lines > 1]
    if combined:
        sentences.append(
            f"A point combines up to {math.ceil(max(combined))} lines of metrics. The faint band goes from their "
            "minimum to their maximum, so no spike is lost."
        )
    sentences.append(
        f"The axis of the loss leaves out the first {100 * INITIAL_FALL:.0f} % of the steps, in which the loss falls "
        "from the uniform baseline; a logarithmic axis shows them."
    )
    return " ".join(sentences)


def _notes(curves: Sequence[TrainingCurve]) -> list[str]:
    """Return each note on the training loss, with the numbers of its runs unless all runs have it."""
    notes = []
    for note in dict.fromkeys(curve.note for curve in curves if curve.note):
        runs = [str(number) for number, curve in enumerate(curves, 1) if curve.note == note]
        notes.append(note if len(runs) == len(curves) else f"Run {' and '.join(runs)}: {note[0].lower()}{note[1:]}")
    return notes


def _table_of_one(curve: TrainingCurve) -> Table:
    """Return a table of at most `_MAX_ROWS` validation passes, or of logged lines in a run without any.

    Losses are in bits per character, or in nats per token where the tokens per character are unknown.
    """
    steps = [record for record in curve.metrics if record.get("event") == "step"]
    validations = [record for record in curve.metrics if record.get("event") == "validation"]
    chosen = validations or steps
    indices = np.linspace(0, len(chosen) - 1, min(_MAX_ROWS, len(chosen))).round().astype(int)
    logged_at = [record["step"] for record in steps]
    rows = []
    for record in (chosen[i] for i in indices):
        line = steps[max(0, int(np.searchsorted(logged_at, record["step"], "right")) - 1)] if steps else {}
        cells = [
            *(record[name] for name in ("step", "epoch", "seconds")),
            *_losses(curve, line, record if validations else {}),
            *(line.get(name) for name in ("learning_rate", "gradient_norm", "tokens_per_second")),
        ]
        rows.append(["" if cell is None else number(cell) for cell in cells])
    unit = BITS if curve.tokens_per_character else NATS
    amount = f"{len(rows)} of {len(chosen)} " if len(rows) < len(chosen) else ""
    split = SPLIT_LABELS.get(chosen[-1].get("part", ""), SPLIT_LABELS["validation"]) if chosen else ""
    losses = [LABELS[TRAIN], LABELS[TRAIN_SPLIT], split]
    caption = f"{amount}{'validation passes' if validations else 'logged lines'}; losses in {unit}"
    return Table(["step", "epoch", "seconds", *losses, "learning rate", "gradient norm", "tokens/s"], rows, caption)


def _losses(curve: TrainingCurve, line: Mapping[str, Any], validation: Mapping[str, Any]) -> list[float | None]:
    """Return the training loss, and those of a validation pass on the training split and on the validation split."""
    train_split = validation.get("train_loss")
    if not curve.tokens_per_character:
        return [line.get("loss"), train_split, validation.get("loss")]
    per_character = None if train_split is None else train_split * curve.tokens_per_character
    nats = (line.get("nats_per_character"), per_character, validation.get("nats_per_character"))
    return [None if one is None else one / math.log(2) for one in nats]


def _table_of_many(
    curves: Sequence[TrainingCurve], drawn: Sequence[tuple[int, Points]], labels: Mapping[str, str]
) -> Table:
    """Return a table of the last values of each of several runs."""
    rows = []
    for run, curve in enumerate(curves):
        last = curve.metrics[-1] if curve.metrics else {"step": 0, "seconds": 0.0}
        ends = {p.kind: p.values[BITS][0][-1] for r, p in drawn if (r, p.panel) == (run, "loss") and BITS in p.values}
        losses = [number(ends[kind]) if kind in ends else "" for kind in labels]
        rows.append([f"{run + 1} {curve.name}", number(last["step"]), number(last["seconds"]), *losses])
    caption = f"The last values of each run; losses in {BITS}"
    return Table(["run", "step", "seconds", *labels.values()], rows, caption)


@dataclass(frozen=True, repr=False)
class CurvesView(View):
    """The training curves of a run, as a page and as figures."""

    curve: TrainingCurve

    @property
    def page(self) -> Page:
        """Return the page of the curves."""
        return make_page(
            f"Training curves of {self.curve.name}",
            [curves_part([self.curve])],
            description="Loss on the training and the validation split, learning rate, gradient norm, weight norm "
            "and speed.",
            height=1100,
        )

    def figures(self) -> dict[str, Any]:
        """Return a Matplotlib figure for each axis: against ``steps``, ``epochs`` and ``seconds``."""
        return {axis: curves_figure(self.curve, axis) for axis in FIGURE_AXES}

    def save(self, folder: str | Path) -> list[Path]:
        """Write the figures, as PNG and SVG, and ``curves.html`` into `folder`; return their paths.

        Raises:
            OctavoError: there is no line of metrics to draw.
            OSError: the folder cannot be written to.
        """
        folder = user_path(folder)
        return [*draw_curves(self.curve, folder), self.page.save(folder / "curves.html")]
