"""Figures."""

from octavo.plots.curves import AXES, draw_curves

__all__ = ["AXES", "draw_curves"]
