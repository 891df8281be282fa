"""The diagnosis on a terminal."""

from octavo.diagnosis import memorisation_line
from octavo.run import Run
from octavo.terminal import wrapped


def diagnosis_lines(run: Run, indent: str = "") -> list[str]:
    """What a scored run copies, if that was measured, and what it suffers from, or that nothing was found."""
    memorised = run.memorised
    texts = [memorisation_line(memorised)] if memorised else []
    found = [line for finding in run.diagnose() for line in finding.lines()]
    texts += found or ["diagnosis: nothing wrong was found"]
    return [line for text in texts for line in wrapped(text, indent)]
