"""The diagnosis on a terminal."""

from octavo.diagnosis import memorisation_line
from octavo.evaluate import Evaluation
from octavo.run import Run
from octavo.terminal import wrapped


def diagnosis_lines(run: Run, indent: str = "", score: Evaluation | None = None) -> list[str]:
    """What a scored run copies, if that was measured, and what it suffers from, or that nothing was found.

    `score` is the one just made; None: the one that is kept.
    """
    memorised = run.memorised
    texts = [memorisation_line(memorised)] if memorised else []
    found = [line for finding in run.diagnose(score) for line in finding.lines()]
    texts += found or ["diagnosis: nothing wrong was found"]
    return [line for text in texts for line in wrapped(text, indent)]
