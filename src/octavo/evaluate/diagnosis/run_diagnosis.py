"""Diagnose a saved run, and read the diagnosis that is saved in its folder."""

from collections.abc import Sequence
from dataclasses import asdict

from octavo.errors import OctavoError
from octavo.evaluate import Baseline, Evaluation
from octavo.evaluate.diagnosis.case import Case, Finding, baseline_losses, split_label, validation_points
from octavo.evaluate.diagnosis.commands import commands_of
from octavo.evaluate.diagnosis.diagnosis import diagnose
from octavo.evaluate.run_scores import load_memorisation, run_baselines, run_overlap, standard_evaluation
from octavo.evaluate.shift import measure_shift
from octavo.formats.json_schema import from_json
from octavo.runs.earlier_versions import upgrade_finding
from octavo.runs.metrics import check_complete
from octavo.runs.saved_run import SavedRun
from octavo.runs.scores import Score, is_standard
from octavo.system.progress import ProgressCallback, no_progress


def diagnose_run(
    run: SavedRun,
    score: Evaluation | None = None,
    *,
    baselines: Sequence[Baseline] | None = None,
    watch: ProgressCallback = no_progress,
) -> list[Finding]:
    """Find problems of a run from its score, its baselines and its validation points.

    The findings are saved in ``diagnosis.json``.

    Args:
        run: the run.
        score: its standard score; None: the saved one. While a run trains, its newest checkpoint may have none yet.
        watch: is called with the fraction of the baselines that is done.
        baselines: the baselines of the validation split; None: :func:`run_baselines` computes them.

    Returns:
        The findings, the gravest first; empty if there are none.

    Raises:
        OctavoError: the run has not been scored, or `score` is not a standard score.

    Example:
        >>> {finding.severity for finding in run.diagnose()} <= {"error", "warning", "note"}
        True
    """
    score = score or standard_evaluation(run)
    if not is_standard(Score(asdict(score))):
        raise OctavoError(
            "a diagnosis needs the standard score: score the validation split in sliding windows, half a context "
            "apart"
        )
    findings = run_findings(run, score, run_baselines(run, watch=watch) if baselines is None else baselines)
    content = {"checkpoint": run.checkpoint, "findings": [asdict(finding) for finding in findings]}
    run.save_result(lambda: run.directory.write_json("diagnosis.json", content))
    return findings


def load_diagnosis(run: SavedRun) -> list[Finding] | None:
    """Return the findings of :func:`diagnose_run` for the checkpoint in use; None if there is no diagnosis."""
    try:
        content = run.directory.read_json("diagnosis.json")
        findings = [from_json(Finding, upgrade_finding(finding)) for finding in content["findings"]]
        return findings if content["checkpoint"] == run.checkpoint else None
    except (OctavoError, LookupError, TypeError, ValueError):
        return None  # the diagnosis can always be made again


def run_findings(run: SavedRun, score: Evaluation, baselines: Sequence[Baseline]) -> list[Finding]:
    """Return the findings of :func:`diagnose_run` for a score and the baselines of its text; save nothing."""
    metrics = run.metrics
    check_complete(metrics, run.path / "metrics.jsonl")
    case = Case(
        run.config,
        validation_points(metrics),
        score.nats_per_token,
        baseline_losses(score, baselines),
        score.tokens / score.characters,
        lossless=score.lossless_tokenizer,
        ended=bool(metrics) and metrics[-1].get("reason") == "budget",
        early_stopped=bool(run.config.train.patience),
        split_label=split_label(run.config),
        memorisation=load_memorisation(run),
        overlap=run_overlap(run),
        shift=measure_shift(run.split("train"), run.split("validation"), run.tokenizer),
        commands=commands_of(run),
    )
    return diagnose(case)
