"""The diagnosis on a terminal."""

from collections.abc import Sequence

from octavo.evaluate import Baseline, Evaluation
from octavo.evaluate.diagnosis import memorisation_line
from octavo.evaluate.run_scores import diagnose_run, load_diagnosis, load_memorisation
from octavo.runs.saved_run import SavedRun
from octavo.system.terminal import wrapped


def diagnosis_lines(
    run: SavedRun, indent: str = "", score: Evaluation | None = None, baselines: Sequence[Baseline] | None = None
) -> list[str]:
    """What a scored run copies, if that was measured, and what it suffers from, or that nothing was found.

    `score` and `baselines` are those just made; without a score the diagnosis that is kept is told, if there is one.
    """
    memorised = load_memorisation(run)
    found = load_diagnosis(run) if score is None else diagnose_run(run, score, baselines=baselines)
    texts = [memorisation_line(memorised)] if memorised else []
    if found is not None:
        texts += [line for finding in found for line in finding.lines()] or ["diagnosis: nothing wrong was found"]
    return [line for text in texts for line in wrapped(text, indent)]
