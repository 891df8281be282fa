"""Curves: how runs went, to zoom, to smooth and to read values off.

Curves of one run that show themselves.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from octavo.formats.files import user_path
from octavo.reports.figures.curves import FIGURE_AXES, curves_figure, draw_curves
from octavo.reports.html.axis import number
from octavo.reports.html.page import HtmlPart, Page, View, make_page, render
from octavo.reports.html.panels import FALL, MARKED, PANELS, WINDOWS, picture, window_of
from octavo.reports.html.series import AXES, BITS, KINDS, NATS, Points, TrainingCurve, points_of

_ROWS = 40  # of the table, at most
_COLOUR = {"train": 0, "held-out": 1, "set-aside": 1, "train-look": 2}  # of each kind where there is one run
_COLOURS = 8  # of runs; in as many more they come again, with dots for a line


def curves_part(courses: Sequence[TrainingCurve]) -> HtmlPart:
    """The curves of one run, or of several, one upon the other. A run with no line of metrics yet has none.

    Raises:
        LookupError, TypeError, ValueError: a line of metrics lacks what its kind should have.
    """
    runs = len(courses)
    drawn = [(run, points) for run, course in enumerate(courses) for points in points_of(course, runs)]
    kinds = {kind: KINDS[kind] for kind in KINDS if any(p.kind == kind and p.panel == "loss" for _, p in drawn)}
    # Of several runs the looks alone are seen at first: they are comparable, and all at once would be a thicket.
    looked = {run for run, p in drawn if p.kind in ("held-out", "set-aside")}
    hidden = ["train", "train-look"] if runs > 1 and looked == {run for run, _ in drawn} else []
    seen = [(run, p) for run, p in drawn if p.panel != "loss" or p.kind not in hidden]
    panels = [panel for panel in PANELS if any(p.panel == panel.key for _, p in drawn)]

    def look(run: int | None, kind: str) -> str:
        """The classes of a line."""
        again, colour = divmod(run or 0, _COLOURS)
        colour = _COLOUR[kind] if runs == 1 else 0 if run is None else colour + 1
        return f"c{colour}" + " dashed" * (kind == "train-look") + " dotted" * (again % 2)

    html = render(
        "curves.html",
        data={
            "axes": AXES,
            "kinds": {
                kind: {"name": name, "look": [look(run, kind) for run in range(runs)]} for kind, name in kinds.items()
            },
            "hidden": hidden,
            "runs": [course.name for course in courses],
            "fall": FALL,
            "marked": MARKED,
            "windows": WINDOWS,
            "window": max((window_of(len(p.at["step"])) for _, p in drawn if p.noisy), default=1),
            "panels": {p.key: {"title": p.title, "units": p.units, "zero": p.zero, "ticks": p.ticks} for p in panels},
            "series": [_series(run, points) for run, points in drawn],
        },
        look=look,
        kinds=kinds,
        hidden=hidden,
        runs=[course.name for course in courses],
        panels=[picture(panel, [one for one in seen if one[1].panel == panel.key], runs) for panel in panels],
        caption=_caption(courses, drawn, hidden),
        table=_figures_of_one(courses[0]) if runs == 1 else _figures_of_many(courses, drawn, kinds),
    )
    return HtmlPart(html, ("chart.js", "plot.js", "gestures.js", "controls.js", "curves.js"), ("curves.css",))


def _series(run: int, points: Points) -> dict[str, Any]:
    """For the script; the lowest and the highest only where they are not the mean itself."""
    shown = slice(None) if points.lines > 1 and points.noisy else slice(1)
    return {
        "run": run,
        "panel": points.panel,
        "kind": points.kind,
        "noisy": points.noisy,
        "at": {axis: _rounded(values) for axis, values in points.at.items()},
        "values": {unit: [_rounded(row) for row in values[shown]] for unit, values in points.values.items()},
    }


def _rounded(values: Iterable[float]) -> list[float]:
    """To six digits that count: what a picture cannot show need not be in the file."""
    return [int(v) if v.is_integer() else v for v in (float(f"{value:.6g}") for value in values)]


def _caption(courses: Sequence[TrainingCurve], drawn: Sequence[tuple[int, Points]], hidden: Sequence[str]) -> str:
    said = _notes(courses)
    if any(p.kind == "train" for _, p in drawn):
        said.append(
            "Training as it went is measured with dropout, while the weights moved: faint each line of the "
            "metrics, dark their running mean."
        )
    if any(p.kind == "train-look" for _, p in drawn):
        said.append(
            "Looks are taken without dropout, at as many windows of the training text as of the other, each read "
            "from an empty context. The score reads all of the held-out text, and has more before most of its "
            "tokens: so no curve ends on it."
        )
    if hidden:
        said.append("At first only the looks at text that is not trained on are drawn.")
    thin = [p.lines for _, p in drawn if p.lines > 1]
    if thin:
        said.append(
            f"Where a run has more lines than the picture has room for, up to {math.ceil(max(thin))} of them make "
            "one point: the faint band goes from their lowest to their highest, so no spike is lost."
        )
    said.append(
        "The axis of the losses does not reach up to the first twentieth of the steps, in which they fall from "
        "chance; a logarithmic one does."
    )
    return " ".join(said)


def _notes(courses: Sequence[TrainingCurve]) -> list[str]:
    """What is to be known of the training curves, each with the runs that it is true of, unless it is of all."""
    said = []
    for note in dict.fromkeys(course.note for course in courses if course.note):
        runs = [str(number) for number, course in enumerate(courses, 1) if course.note == note]
        said.append(note if len(runs) == len(courses) else f"Of {' and '.join(runs)}: {note[0].lower()}{note[1:]}")
    return said


def _figures_of_one(course: TrainingCurve) -> dict[str, Any]:
    """Where a run stood at its looks, or if it took none at its lines; no more than `_ROWS` of them. Losses are in
    bits per character; if it is not known how many tokens a character has, in nats per token."""
    steps = [record for record in course.metrics if record.get("event") == "step"]
    looks = [record for record in course.metrics if record.get("event") == "validation"]
    chosen = looks or steps
    rows_at = np.linspace(0, len(chosen) - 1, min(_ROWS, len(chosen))).round().astype(int)
    at = [record["step"] for record in steps]
    rows = []
    for record in (chosen[i] for i in rows_at):
        before = steps[max(0, int(np.searchsorted(at, record["step"], "right")) - 1)] if steps else {}
        look = record if looks else {}
        figures = [
            *(record[name] for name in ("step", "epoch", "seconds")),
            *_losses(course, before, look),
            *(before.get(name) for name in ("learning_rate", "gradient_norm", "tokens_per_second")),
        ]
        rows.append(["" if figure is None else number(figure) for figure in figures])
    unit = BITS if course.tokens_per_character else NATS
    shown = f"{len(rows)} of {len(chosen)} " if len(rows) < len(chosen) else ""
    return {
        "caption": f"{shown}{'looks' if looks else 'lines'}; losses in {unit}",
        "head": [
            "step",
            "epoch",
            "seconds",
            "training",
            "training text",
            "other text",
            "learning rate",
            "gradient",
            "tokens/s",
        ],
        "rows": rows,
    }


def _losses(course: TrainingCurve, line: Mapping[str, Any], look: Mapping[str, Any]) -> list[float | None]:
    """Of training as it went, and of looks at its text and at the other."""
    looked = look.get("train_loss")
    if not course.tokens_per_character:
        return [line.get("loss"), looked, look.get("loss")]
    alike = None if looked is None else looked * course.tokens_per_character
    nats = (line.get("nats_per_character"), alike, look.get("nats_per_character"))
    return [None if one is None else one / math.log(2) for one in nats]


def _figures_of_many(
    courses: Sequence[TrainingCurve], drawn: Sequence[tuple[int, Points]], kinds: dict[str, str]
) -> dict[str, Any]:
    """What each of several runs ended with."""
    rows = []
    for run, course in enumerate(courses):
        last = course.metrics[-1] if course.metrics else {"step": 0, "seconds": 0.0}
        ends = {p.kind: p.values[BITS][0][-1] for r, p in drawn if (r, p.panel) == (run, "loss") and BITS in p.values}
        losses = [number(ends[kind]) if kind in ends else "" for kind in kinds]
        rows.append([f"{run + 1} {course.name}", number(last["step"]), number(last["seconds"]), *losses])
    return {
        "caption": "Where each run ended; losses in bits per character",
        "head": ["run", "step", "seconds", *kinds.values()],
        "rows": rows,
    }


@dataclass(frozen=True, repr=False)
class CurvesView(View):
    """How a run's training went, as a page and as figures."""

    course: TrainingCurve

    @property
    def page(self) -> Page:
        """To zoom, smooth and read values off."""
        return make_page(
            f"Curves of {self.course.name}",
            [curves_part([self.course])],
            description="How training went: losses of training and held-out text, and what moved them.",
            height=1100,
        )

    def figures(self) -> dict[str, Any]:
        """A Matplotlib figure for each axis: against ``steps``, ``epochs`` and ``seconds``."""
        return {
            axis: curves_figure(self.course.metrics, self.course.name, axis, self.course.note) for axis in FIGURE_AXES
        }

    def save(self, folder: str | Path) -> list[Path]:
        """Write the figures, as PNG and SVG, and ``curves.html`` into `folder`; returns their paths."""
        folder = user_path(folder)
        return [
            *draw_curves(self.course.metrics, folder, self.course.name, self.course.note),
            self.page.save(folder / "curves.html"),
        ]
