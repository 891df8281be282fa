"""Read the score, findings and samples of a run from its folder. Nothing is trained, scored or written."""

import re
from dataclasses import fields

from octavo.errors import OctavoError, reason
from octavo.evaluate.baseline_cache import learning_source, read_baselines
from octavo.evaluate.baselines import Baseline
from octavo.evaluate.diagnosis.case import Finding
from octavo.evaluate.diagnosis.run_diagnosis import load_diagnosis, run_findings
from octavo.evaluate.documents import decode_documents
from octavo.evaluate.overlap import MAX_SEARCHED, HighlightedCopies, highlight_copies
from octavo.evaluate.run_scores import run_overlap, standard_evaluation
from octavo.formats.untrusted import MAX_TEXT_BYTES, read_plain
from octavo.generate.samples import load_samples
from octavo.reports.score_table import Score
from octavo.runs.completion import missing_stage
from octavo.runs.saved_run import SavedRun
from octavo.system.terminal import capitalize_first

_SAMPLE = re.compile(r"(?:\A|\n\n)--- sample (\d+) ---\n")


def unfinished_note(run: SavedRun) -> str:
    """Return how far an unfinished run is, in a sentence; "" for a finished run."""
    try:
        stage, metrics = missing_stage(run.directory), run.metrics
    except OctavoError:
        return ""  # the sections that need the damaged file say so
    if stage is None:
        return ""
    if stage != "training":
        missing = "scored" if stage == "score" else "fully examined"
        return f"This run is trained but not {missing}: resume it to complete it."
    step = metrics[-1].get("step", 0) if metrics else 0
    fraction = next((record["progress"] for record in reversed(metrics) if "progress" in record), 0.0)
    return (
        f"This run is not finished: it is at step {step:,}, after {100 * fraction:.0f} % of its budget. This page "
        "shows its newest checkpoint."
    )


def read_score(run: SavedRun) -> Score:
    """Return the standard score of a run with its baselines.

    Raises:
        OctavoError: there is no score.
    """
    evaluation, last = standard_evaluation(run), run.directory.last_record or {"seconds": 0.0}
    return Score(evaluation, saved_baselines(run), run_overlap(run), last["seconds"])


def saved_baselines(run: SavedRun) -> list[Baseline]:
    """Return the cached baselines of a run on its validation split; none if they were not computed.

    Raises:
        OctavoError: the text of the run or its tokenizer is damaged.
    """
    source = learning_source(run.tokenizer, run.splits["train"])
    return read_baselines(run.directory, source, run.splits["validation"].facts.sha256) or []


def read_findings(run: SavedRun) -> list[Finding]:
    """Return the diagnosis of the checkpoint in use, or what training noted if the run has no score.

    Raises:
        OctavoError: there is no diagnosis, and no baselines to make it from.
    """
    try:
        evaluation = standard_evaluation(run)
    except OctavoError:
        return _findings_of_training(run)
    if (findings := load_diagnosis(run)) is not None:
        return findings
    if baselines := saved_baselines(run):
        return run_findings(run, evaluation, baselines)
    raise OctavoError("there is no diagnosis yet: evaluate the run to make one")


def _findings_of_training(run: SavedRun) -> list[Finding]:
    records = [record for record in run.metrics if record["event"] == "finding"]
    if not records:
        raise OctavoError("there is no diagnosis yet, and training noted no finding: evaluate the run to make one")
    names = {field.name for field in fields(Finding)}
    return [Finding(**{name: value for name, value in record.items() if name in names}) for record in records]


def read_samples(run: SavedRun) -> tuple[list[str], HighlightedCopies]:
    """Return the captions and texts of ``samples.txt`` and ``samples.json``, with copies of the training split.

    Raises:
        OctavoError: ``samples.txt`` is missing, or a file cannot be read.
    """
    path = run.path / "samples.txt"
    if not path.is_file():
        raise OctavoError("there are no samples yet: resume the run to generate them")
    try:
        text = read_plain(path, MAX_TEXT_BYTES, run.path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OctavoError(f"{path} cannot be read ({reason(error)}): resume the run to write it again") from None
    _, *numbers_and_texts = _SAMPLE.split(text)
    texts = [text.removesuffix("\n") for text in numbers_and_texts[1::2]]
    training, validation = (
        decode_documents(run.splits[name], run.tokenizer, MAX_SEARCHED) for name in ("train", "validation")
    )
    captions = [f"Sample {number}" for number in range(1, len(texts) + 1)]
    for sample in load_samples(run.path):
        captions.append(capitalize_first(sample.describe()))
        texts.append(sample.prompt + sample.text)
    return captions, highlight_copies(texts, validation, training)
