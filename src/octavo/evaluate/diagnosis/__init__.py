"""Find problems of a run; each finding has the figures it rests on and a fix."""

from octavo.evaluate.diagnosis.case import (
    Case,
    Finding,
    ValidationPoint,
    baseline_losses,
    split_label,
    validation_point,
    validation_points,
)
from octavo.evaluate.diagnosis.diagnosis import EarlyDiagnosis, diagnose, diagnose_early, early_baseline_losses
from octavo.evaluate.diagnosis.rules import memorisation_figures, memorisation_line

__all__ = [
    "Case",
    "EarlyDiagnosis",
    "Finding",
    "ValidationPoint",
    "baseline_losses",
    "diagnose",
    "diagnose_early",
    "early_baseline_losses",
    "memorisation_figures",
    "memorisation_line",
    "split_label",
    "validation_point",
    "validation_points",
]
