"""Curves of one run that show themselves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavo.files import user_path
from octavo.pages.curves import curves_part
from octavo.pages.page import Page, make_page
from octavo.pages.series import Course
from octavo.pages.shown import Shown
from octavo.plots.curves import AXES, curves_figure, draw_curves


@dataclass(frozen=True, repr=False)
class ShownCurves(Shown):
    """How a run's training went, as a page and as figures."""

    course: Course

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
        return {axis: curves_figure(self.course.metrics, self.course.name, axis, self.course.note) for axis in AXES}

    def save(self, folder: str | Path) -> list[Path]:
        """Write the figures, as PNG and SVG, and ``curves.html`` into `folder`; returns their paths."""
        folder = user_path(folder)
        return [
            *draw_curves(self.course.metrics, folder, self.course.name, self.course.note),
            self.page.save(folder / "curves.html"),
        ]
