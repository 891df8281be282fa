"""What is wrong with a run, in words, each with the figures that say so and the mend."""

from octavo.evaluate.diagnosis.case import Case, Finding, Look, floors_of, look_of, looks_of, part_of_looks
from octavo.evaluate.diagnosis.diagnosis import EarlyDiagnosis, diagnose, diagnose_early, floors_of_looks
from octavo.evaluate.diagnosis.rules import memorisation_figures, memorisation_line

__all__ = [
    "Case",
    "EarlyDiagnosis",
    "Finding",
    "Look",
    "diagnose",
    "diagnose_early",
    "floors_of",
    "floors_of_looks",
    "look_of",
    "looks_of",
    "memorisation_figures",
    "memorisation_line",
    "part_of_looks",
]
