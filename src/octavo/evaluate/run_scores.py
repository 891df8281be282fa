"""Score a saved run, compare it with baselines, measure what it copies, and diagnose it.

Each function takes a :class:`~octavo.runs.saved_run.SavedRun`, returns plain values and keeps them in its folder.
"""

from collections.abc import Sequence
from pathlib import Path

from octavo.config.inference import SamplingConfig
from octavo.corpus import Corpus, read_corpus, with_documents
from octavo.data import TokenSplit
from octavo.errors import OctavoError
from octavo.evaluate.baseline_cache import compute_baselines, load_baselines, save_baselines
from octavo.evaluate.baselines import Baseline
from octavo.evaluate.diagnosis import Case, Finding, baseline_losses, diagnose, validation_points, validation_split
from octavo.evaluate.documents import scored_text, texts_of
from octavo.evaluate.evaluation import Evaluation, Protocol, evaluate
from octavo.evaluate.memorisation import Memorisation, measure_memorisation
from octavo.evaluate.overlap import MAX_SEARCHED, TrainOverlap, measure_overlap
from octavo.evaluate.shift import measure_shift
from octavo.formats.json_schema import from_json
from octavo.runs.checkpoint_files import max_file_bytes, newest_is_damaged
from octavo.runs.earlier_versions import upgrade_finding
from octavo.runs.metrics import check_complete
from octavo.runs.saved_run import SavedRun
from octavo.runs.scores import Score, add_score, is_standard, scores, standard_score
from octavo.system.progress import ProgressCallback, no_progress

_MAX_SAMPLES = 10_000
Text = str | Path | Corpus | None


def standard_evaluation(run: SavedRun) -> Evaluation:
    """Return the kept score on the validation split, in sliding windows half a context apart.

    Raises:
        OctavoError: the run has not been scored so.
    """
    score = standard_score(run.directory)
    if score is None:
        damaged = newest_is_damaged(run.path / "checkpoints", max_file_bytes(run.config))
        raise OctavoError(
            f"{run.name} has no score yet: {'resume' if damaged else 'evaluate'} it",
            command=run.directory.resume_command if damaged else ("evaluate", str(run.path)),
        )
    try:
        return from_json(Evaluation, score)
    except ValueError:
        raise OctavoError(
            f"{run.path / 'evaluation.json'} is of another version: delete it, then evaluate the run",
            command=("evaluate", str(run.path)),
        ) from None


def score_run(
    run: SavedRun,
    text: Text = None,
    *,
    split: str = "validation",
    stride: int = 0,
    protocol: Protocol = "sliding",
    window_characters: int = 256,
    encoding: str = "utf-8",
    documents: str = "file",
    watch: ProgressCallback = no_progress,
) -> Evaluation:
    """Score a run on a split of its own text, or on another `text`, and add that to ``evaluation.json``.

    Raises:
        OctavoError: there is no such split or text, or an option is out of range.
    """
    scores(run.directory)  # a damaged file shows before the work
    scored = scored_text(_source(run, text, split, encoding, documents), run.tokenizer)
    train = run.config.train
    selected_on = train.select_on if train.patience else ""
    result = evaluate(
        run.model,
        run.tokenizer,
        scored,
        context_length=run.config.data.context_length,
        stride=stride,
        protocol=protocol,
        window_characters=window_characters,
        selected_on_this_text=text is None and selected_on == split,
        checkpoint=run.checkpoint,
        watch=watch,
    )
    run.save_result(lambda: add_score(run.directory, Score(result.to_dict())))
    return result


def run_baselines(
    run: SavedRun,
    text: Text = None,
    *,
    split: str = "validation",
    encoding: str = "utf-8",
    documents: str = "file",
    watch: ProgressCallback = no_progress,
) -> list[Baseline]:
    """Return the baselines of a text, which learn from the run's training split; the worst comes first.

    They are computed once for each text and kept in ``baselines.json``.

    Raises:
        OctavoError: there is no such split or text, it is empty, or it is the training split.
    """
    if text is None and split == "train":
        raise OctavoError("baselines learn from the training part, so a score on it says nothing: take another")
    scored, train = _source(run, text, split, encoding, documents), run.split("train")
    found = load_baselines(run.directory, run.tokenizer, train, scored)
    if found is None:
        computed = found = compute_baselines(run.tokenizer, train, scored, watch)
        run.save_result(lambda: save_baselines(run.directory, run.tokenizer, train, scored, computed))
    return found


def run_overlap(
    run: SavedRun,
    text: Text = None,
    *,
    split: str = "validation",
    encoding: str = "utf-8",
    documents: str = "file",
) -> TrainOverlap:
    """Measure how much of a split of the run's own text, or of another `text`, is verbatim in the training split.

    Raises:
        OctavoError: there is no such split or text.
    """
    key = f"overlap of {split}"
    if text is None and key in run.result_cache:  # a text of many megabytes takes seconds
        known: TrainOverlap = run.result_cache[key]
        return known
    texts = texts_of(_source(run, text, split, encoding, documents), run.tokenizer)
    found = measure_overlap(texts, texts_of(run.split("train"), run.tokenizer, MAX_SEARCHED))
    if text is None:
        run.result_cache[key] = found
    return found


def run_memorisation(
    run: SavedRun,
    *,
    samples: int = 64,
    tokens: int = 200,
    temperature: float = 1.0,
    seed: int = 0,
    watch: ProgressCallback = no_progress,
) -> Memorisation:
    """Generate `samples` texts of `tokens` tokens and look them up in the training split.

    Validation text of the same lengths is looked up next to them, so there are no more samples than that has room
    for. A result at temperature 1, the model's own distribution, is kept in ``memorisation.json``, which the
    diagnosis reads; no other is.

    Raises:
        OctavoError: an option is out of range.
    """
    if not isinstance(samples, int) or not 1 <= samples <= _MAX_SAMPLES:
        raise OctavoError(f"{samples} samples are out of range: 1 to {_MAX_SAMPLES}")
    found = measure_memorisation(
        run.model,
        run.tokenizer,
        run.split("train"),
        run.split("validation"),
        samples=samples,
        sampling=SamplingConfig(temperature=temperature, max_new_tokens=tokens, seed=seed),
        context_length=run.config.data.context_length,
        checkpoint=run.checkpoint,
        watch=watch,
    )
    if temperature == 1.0:
        run.result_cache["memorisation"] = found
        run.save_result(lambda: run.directory.write_json("memorisation.json", found.to_dict()))
    return found


def load_memorisation(run: SavedRun) -> Memorisation | None:
    """Return what :func:`run_memorisation` found for the checkpoint in use; None if it was not measured."""
    just_measured: Memorisation | None = run.result_cache.get("memorisation")
    try:
        found = Memorisation.from_json(run.directory.read_json("memorisation.json"))
    except (OctavoError, ValueError):  # it can always be measured again
        return just_measured
    return found if found.checkpoint == run.checkpoint else just_measured


def diagnose_run(
    run: SavedRun,
    score: Evaluation | None = None,
    watch: ProgressCallback = no_progress,
    *,
    baselines: Sequence[Baseline] | None = None,
) -> list[Finding]:
    """Find problems of a run, the gravest first, from its score, its baselines and its validation points.

    The findings, of which there may be none, are kept in ``diagnosis.json``.

    Args:
        run: the run.
        score: its standard score, just made: of a run that trains meanwhile, a newer checkpoint may have none.
        watch: is called with the fraction of the baselines that is done.
        baselines: those that there are, where some could not be computed.

    Raises:
        OctavoError: it has not been scored, or `score` is another than the standard one.
    """
    score = score or standard_evaluation(run)
    if not is_standard(Score(score.to_dict())):
        raise OctavoError("a diagnosis is made from the score on the held-out part with the usual stride alone")
    found = run_findings(run, score, run_baselines(run, watch=watch) if baselines is None else baselines)
    content = {"checkpoint": run.checkpoint, "findings": [finding.to_dict() for finding in found]}
    run.save_result(lambda: run.directory.write_json("diagnosis.json", content))
    return found


def load_diagnosis(run: SavedRun) -> list[Finding] | None:
    """Return what :func:`diagnose_run` found for the checkpoint in use; None if no diagnosis was made."""
    try:
        content = run.directory.read_json("diagnosis.json")
        found = [from_json(Finding, upgrade_finding(finding)) for finding in content["findings"]]
        return found if content["checkpoint"] == run.checkpoint else None
    except (OctavoError, LookupError, TypeError, ValueError):
        return None  # it can always be made again


def run_findings(run: SavedRun, score: Evaluation, baselines: Sequence[Baseline]) -> list[Finding]:
    """Return what :func:`diagnose_run` finds from a score and the baselines of its text; nothing is kept."""
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
        part=validation_split(run.config),
        memorisation=load_memorisation(run),
        overlap=run_overlap(run),
        shift=measure_shift(run.split("train"), run.split("validation"), run.tokenizer),
    )
    return diagnose(case)


def _source(run: SavedRun, text: Text, split: str, encoding: str, documents: str) -> TokenSplit | Corpus:
    """Return a split of the run's own text, or another text."""
    if text is None:
        return run.split(split)
    if isinstance(text, Corpus):
        return with_documents(text, documents)
    return read_corpus(text, encoding=encoding, documents=documents)
