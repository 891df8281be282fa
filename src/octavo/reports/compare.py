"""Compare several runs on one page: scores that are comparable on one scale, curves in the same panels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from octavo.errors import OctavoError
from octavo.evaluate import Baseline, Evaluation
from octavo.evaluate.baselines import TOKEN_KINDS
from octavo.evaluate.run_scores import standard_evaluation
from octavo.reports import blocks
from octavo.reports.blocks import Block, Builder, Section, Unavailable, try_compute
from octavo.reports.collect import read_score, unfinished_note
from octavo.reports.costs import read_costs
from octavo.reports.html import Page
from octavo.reports.html.blocks import sections_page
from octavo.reports.recipe import recipe, setting_texts
from octavo.reports.score_table import Score, best_baseline
from octavo.reports.sections import MFU, cost_facts, findings_blocks
from octavo.reports.series import TrainingCurve
from octavo.reports.views import curves_view
from octavo.runs.saved_run import SavedRun, open_saved_run
from octavo.system.terminal import quantity

T = TypeVar("T")
Runs = Mapping[str, SavedRun]  # by number and name: "1 hamlet"

_UNKNOWN = "unknown"
_HEAD = ("model", "bits per character", "standard error", "nats per character", "perplexity per own token")


@dataclass(frozen=True)
class ScoredRun:
    """The score of a run, and what decides with which others it is comparable."""

    name: str
    score: Score
    tokenizer: str  # its SHA-256, or the run's name where it is unknown
    trained_on: str  # the SHA-256 of the training split, or the run's name


@dataclass(frozen=True)
class ComparableRuns:
    """Runs whose scores are comparable, the baselines that all of them share, and notes on the scores."""

    runs: Sequence[ScoredRun]
    baselines: Sequence[Baseline]
    notes: Sequence[str]


def compare(runs: Sequence[SavedRun | str | Path], *, root: str | Path | None = None) -> Page:
    """Show several runs on one page: scores, training curves, findings, differing settings and costs.

    Scores that are comparable are on one scale; the others say why they are not. A section that cannot be built says
    why. Nothing is computed that is not in the runs.

    Args:
        runs: at least two runs, their paths or their names.
        root: the folder in which names are looked up; None: ``$OCTAVO_RUNS``, or else ``./runs``.

    Returns:
        The page. It shows itself in a notebook; ``page.save(path)`` writes it.

    Raises:
        OctavoError: there is no such run, one is given twice, or there are fewer than two.

    Example:
        >>> octavo.compare(["hamlet", "othello"]).save("plays.html").name
        'plays.html'
    """
    saved = [open_saved_run(run, runs=root) for run in runs]
    paths = [run.path.resolve() for run in saved]
    if twice := [run.name for run, path in zip(saved, paths, strict=True) if paths.count(path) > 1]:
        raise OctavoError(f"{twice[0]} is given twice: name each run once")
    if len(saved) < 2:
        raise OctavoError("a comparison needs at least two runs: give another, or make a report of one")
    numbered = {f"{number} {run.name}": run for number, run in enumerate(saved, 1)}
    return sections_page(
        "Comparison of runs", f"Runs: {', '.join(run.name for run in saved)}.", [], _sections(numbered)
    )


def _sections(runs: Runs) -> list[Section]:
    return [
        Section("score", "Score", [partial(_scores, runs)], "How well do they predict?"),
        Section("curves", "Training curves", [partial(_curves, runs)], "How did training go?"),
        Section("diagnosis", "Diagnosis", _for_each(runs, _diagnosis)),
        Section("settings", "Settings that differ", [partial(_settings, runs)]),
        Section("costs", "Cost", [partial(_costs, runs)], "What did training take?"),
        Section("again", "Reproduce", _for_each(runs, _recipe), "How can they be trained again?"),
    ]


def _read_each(runs: Runs, read: Callable[[SavedRun], T]) -> dict[str, T | Unavailable]:
    """Read a value of each run, or why it cannot be read."""
    return {name: try_compute(partial(read, run)) for name, run in runs.items()}


def _for_each(runs: Runs, build: Callable[[SavedRun], Sequence[Block]]) -> list[Builder]:
    """Return builders of the name and the blocks of each run."""

    def name_block(name: str) -> Sequence[Block]:
        return [blocks.Sentences([f"{name}:"])]

    return [builder for name, run in runs.items() for builder in (partial(name_block, name), partial(build, run))]


def group_comparable(runs: Sequence[ScoredRun]) -> tuple[list[ComparableRuns], dict[str, str]]:
    """Group the runs whose scores are comparable; return the groups, and why each other run is in none, by name.

    Scores are comparable on the same text, of lossless tokenizers or of the same lossy one.
    """
    groups: dict[tuple[str, str], list[ScoredRun]] = {}
    for run in runs:
        evaluation = run.score.evaluation
        key = (evaluation.sha256, "" if evaluation.lossless_tokenizer else run.tokenizer)
        groups.setdefault(key, []).append(run)
    shown = [group for group in groups.values() if len(group) > 1 or len(groups) == 1]
    texts = [sha256 for sha256, _ in groups]
    alone = [run for run in runs if not any(run in group for group in shown)]
    reasons = {run.name: _why_alone(run.score, texts) for run in alone}
    return [_comparable(group) for group in sorted(shown, key=len, reverse=True)], reasons


def _why_alone(score: Score, texts: Sequence[str]) -> str:
    """Return why a score is comparable with no other; `texts` has the SHA-256 of the text of each group."""
    evaluation = score.evaluation
    if texts.count(evaluation.sha256) == 1:
        return f"It was scored on another text, of {quantity(evaluation.characters, 'character')}."
    if not evaluation.lossless_tokenizer:
        return "Its tokenizer is lossy (white space)."
    return "The tokenizers of the other runs on its text are lossy (white space)."


def _comparable(runs: Sequence[ScoredRun]) -> ComparableRuns:
    evaluations = {run.name: run.score.evaluation for run in runs}
    first = runs[0].score.evaluation
    notes = [f"Scored on the same {quantity(first.characters, 'character')} of the validation split."]
    if not first.lossless_tokenizer:
        notes = [f"{notes[0]} Their tokenizer is lossy (white space), so they are comparable only with each other."]
    notes += [
        f"{name}: early stopping selected the model by its loss on this text, so the score is optimistic."
        for name, evaluation in evaluations.items()
        if evaluation.selected_on_this_text
    ]
    if len({run.trained_on for run in runs}) > 1:
        notes.append("They were not all trained on the same text.")
    if len(runs) > 1:
        notes.append(
            "The standard errors are from the choice of text, which is the same for all runs. The difference of two "
            "runs is therefore more certain than the bars suggest. An experiment measures how much the seed changes."
        )
    return ComparableRuns(runs, _shared_baselines(runs), notes)


def _shared_baselines(runs: Sequence[ScoredRun]) -> list[Baseline]:
    """Return the comparable baselines that are the same for all runs.

    Baselines of characters are the same for one training text, those of tokens also need one tokenizer.
    """
    if len({run.trained_on for run in runs}) != 1:
        return []
    same_tokens = len({run.tokenizer for run in runs}) == 1
    lossless = all(run.score.evaluation.lossless_tokenizer for run in runs)
    baselines = next((run.score.baselines for run in runs if run.score.baselines), ())
    return [baseline for baseline in baselines if (same_tokens if baseline.kind in TOKEN_KINDS else lossless)]


def read_scored_run(name: str, run: SavedRun) -> ScoredRun:
    """Return the score of a run.

    Raises:
        OctavoError: there is none.
    """

    def known(compute: Callable[[], str]) -> str:
        value = try_compute(compute)
        return name if isinstance(value, Unavailable) else value

    tokenizer = known(lambda: str(run.directory.provenance["tokenizer"]))
    return ScoredRun(name, read_score(run), tokenizer, known(lambda: run.splits["train"].facts.sha256))


def _scores(runs: Runs) -> list[Block]:
    results = {name: try_compute(partial(read_scored_run, name, run)) for name, run in runs.items()}
    scored = [run for run in results.values() if isinstance(run, ScoredRun)]
    groups, reasons = group_comparable(scored)
    reasons |= {name: run.why for name, run in results.items() if isinstance(run, Unavailable)}
    shown: list[Block] = [_score_dots(group) for group in groups]
    if reasons:
        others = "the others" if groups else "another"
        sentence = f"These scores are not comparable with {others}. Compare each with the baselines on its own text."
        rows = [_alone_row(name, results[name], reasons[name]) for name in runs if name in reasons]
        head = ("run", "bits per character", "nats per character", "best baseline on its text", "reason")
        shown += [blocks.Sentences([sentence]), blocks.Table(head, rows)]
    return shown


def _score_dots(group: ComparableRuns) -> Block:
    dots, rows = [], []
    for run in group.runs:
        evaluation, error = run.score.evaluation, run.score.evaluation.standard_error_bits_per_character
        dots.append(blocks.Dot(run.name, evaluation.bits_per_character, error, trained=True))
        rows.append(_score_row(run.name, evaluation, error, f"{evaluation.perplexity_per_token:.2f}"))
    for baseline in group.baselines:
        dots.append(blocks.Dot(baseline.name, baseline.bits_per_character))
        rows.append(_score_row(baseline.name, baseline))
    return blocks.ScoreDots(dots, blocks.Table(_HEAD, sorted(rows, key=lambda row: -float(row[1]))), group.notes)


def _score_row(
    name: str, score: Evaluation | Baseline, error: float | None = None, perplexity: str = ""
) -> tuple[str, ...]:
    error_text = "" if error is None else f"{error:.4f}"
    return name, f"{score.bits_per_character:.4f}", error_text, f"{score.nats_per_character:.4f}", perplexity


def _alone_row(name: str, run: ScoredRun | Unavailable, why: str) -> tuple[str, ...]:
    if isinstance(run, Unavailable):
        return (name, "", "", "", why)
    evaluation, error = run.score.evaluation, run.score.evaluation.standard_error_bits_per_character
    best = best_baseline(evaluation, run.score.baselines)
    return (
        name,
        f"{evaluation.bits_per_character:.4f}" + ("" if error is None else f" ± {error:.4f}"),
        f"{evaluation.nats_per_character:.4f}",
        f"{best.bits_per_character:.4f} bits, {best.name}" if best else "",
        why,
    )


def _curves(runs: Runs) -> list[Block]:
    """Draw all curves in the same panels. A run without curves keeps its number."""
    read = _read_each(runs, lambda run: curves_view(run).curve)
    evaluations = _read_each(runs, standard_evaluation)
    sentences = [f"{name}: {curve.why}" for name, curve in read.items() if isinstance(curve, Unavailable)]
    lossy = [
        name
        for name, evaluation in evaluations.items()
        if not isinstance(evaluation, Unavailable) and not evaluation.lossless_tokenizer
    ]
    if lossy and len(lossy) < len(runs):
        sentences.append(
            f"The curves of {' and '.join(lossy)} are not comparable with the others: a lossy tokenizer leaves fewer "
            "characters to predict."
        )
    curves = [
        TrainingCurve(runs[name].name, []) if isinstance(curve, Unavailable) else curve
        for name, curve in read.items()
    ]
    return [blocks.Sentences(sentences), *([blocks.Curves(curves)] if any(curve.metrics for curve in curves) else [])]


def _diagnosis(run: SavedRun) -> Sequence[Block]:
    note = unfinished_note(run)
    return [*([blocks.Sentences([note])] if note else []), *findings_blocks(run)]


def _settings(runs: Runs) -> list[Block]:
    """Return a table with a row for each setting that differs, after the texts and the numbers of parameters."""
    provenances = _read_each(runs, lambda run: run.directory.provenance)
    settings = _read_each(runs, lambda run: setting_texts(run.config))
    rows = [
        ["text", *_cells(provenances, lambda provenance: str(provenance["text"]["name"]))],
        ["parameters", *_cells(provenances, lambda provenance: f"{provenance['parameters']:,}")],
    ]
    for name in next((texts for texts in settings.values() if not isinstance(texts, Unavailable)), {}):
        values = _cells(settings, itemgetter(name))
        if len(set(values) - {_UNKNOWN}) > 1:
            rows.append([name, *values])
    return [blocks.Table(("setting", *runs), rows)]


def _cells(values: Mapping[str, T | Unavailable], text: Callable[[T], str]) -> list[str]:
    """Return the text of each value, or that it is unknown."""
    return [_UNKNOWN if isinstance(value, Unavailable) else text(value) for value in values.values()]


def _costs(runs: Runs) -> list[Block]:
    costs = _read_each(
        runs, lambda run: read_costs(run.metrics, run.directory.provenance, None, run.config.data.context_length)
    )
    facts = [{} if isinstance(cost, Unavailable) else cost_facts(cost) for cost in costs.values()]
    names = [name for name in dict.fromkeys(name for by_name in facts for name in by_name) if name != MFU]
    rows = [[name, *(by_name.get(name, _UNKNOWN) for by_name in facts)] for name in names]
    return [blocks.Table(("", *runs), rows)]


def _recipe(run: SavedRun) -> Sequence[Block]:
    return [blocks.Code(recipe(run.config, run.directory.provenance, run.path).command)]
