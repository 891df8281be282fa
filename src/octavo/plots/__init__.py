"""Figures."""

import logging

from octavo.plots.curves import AXES, draw_curves

# Where its cache cannot be written matplotlib makes a temporary one, and three lines about it in the middle of a
# run's progress. It works; octavo doctor tells.
logging.getLogger("matplotlib").setLevel(logging.ERROR)

__all__ = ["AXES", "draw_curves"]
