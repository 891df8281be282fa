"""Several runs as values, and which of their scores compare.

Several runs on one page, on the same scales.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from octavo.config import Config
from octavo.errors import OctavoError
from octavo.evaluate import Baseline, Evaluation
from octavo.evaluate.baselines import TOKEN_KINDS
from octavo.evaluate.diagnosis import Finding
from octavo.formats.toml_schema import as_mapping, dotted_names
from octavo.reports.blocks import (
    Block,
    Code,
    Curves,
    Dots,
    Findings,
    Scored,
    Section,
    Sentences,
    Table,
    Unavailable,
    require,
    try_compute,
)
from octavo.reports.collect import read_course, read_findings, read_scored, read_standing
from octavo.reports.costs import Costs, read_costs
from octavo.reports.html import Page
from octavo.reports.html.scores import Dot, Figures
from octavo.reports.recipe import Recipe, recipe, setting
from octavo.reports.report import sections_page
from octavo.reports.sections import SHARE, cost_facts
from octavo.reports.series import TrainingCurve
from octavo.runs.saved_run import SavedRun, open_saved_run
from octavo.system.terminal import counted


@dataclass(frozen=True)
class ComparedRun:
    """What a comparison shows of one run. What could not be made says why."""

    name: str  # with its number, from 1
    standing: str
    config: Config | Unavailable
    provenance: dict[str, Any] | Unavailable
    trained_on: str | Unavailable  # SHA-256 of the training part
    course: TrainingCurve | Unavailable
    scored: Scored | Unavailable
    findings: list[Finding] | Unavailable
    costs: Costs | Unavailable
    recipe: Recipe | Unavailable


@dataclass(frozen=True)
class Comparable:
    """Runs whose scores stand on one scale, and the simpler models that are the same for all of them.

    `words` say what they have in common, and what to think of the scores.
    """

    runs: Sequence[ComparedRun]
    baselines: Sequence[Baseline]
    words: Sequence[str]


@dataclass(frozen=True)
class Alone:
    """A run whose score compares with no other here, and why."""

    run: ComparedRun
    why: str


def read_compared(run: SavedRun, number: int) -> ComparedRun:
    """Collect a run; nothing is computed anew."""
    scored = try_compute(lambda: read_scored(run))
    return ComparedRun(
        name=f"{number} {run.name}",
        standing=read_standing(run),
        config=try_compute(lambda: run.config),
        provenance=try_compute(lambda: run.directory.provenance),
        trained_on=try_compute(lambda: run.splits["train"].facts.sha256),
        course=try_compute(lambda: read_course(run)),
        scored=scored,
        findings=try_compute(lambda: read_findings(run, scored)),
        costs=try_compute(
            lambda: read_costs(run.metrics, run.directory.provenance, None, run.config.data.context_length)
        ),
        recipe=try_compute(lambda: recipe(run.config, run.directory.provenance, run.path)),
    )


def comparable(runs: Sequence[ComparedRun]) -> tuple[list[Comparable], list[Alone]]:
    """The runs by what compares: the score on one text, of tokenizers that lose nothing of it, or of one that does;
    and, in their order, the runs that are in no group with others."""
    groups: dict[tuple[str, str], list[ComparedRun]] = {}
    for run in runs:
        if isinstance(run.scored, Scored):
            groups.setdefault(_kind(run, run.scored.evaluation), []).append(run)
    kept = [group for group in groups.values() if len(group) > 1 or len(groups) == 1]
    texts = [sha256 for sha256, _ in groups]
    left = [Alone(run, _why_alone(run.scored, texts)) for run in runs if not any(run in group for group in kept)]
    return [_comparable(group) for group in sorted(kept, key=len, reverse=True)], left


def _kind(run: ComparedRun, score: Evaluation) -> tuple[str, str]:
    """The text, and the tokenizer if it loses some of it."""
    tokenizer = run.name if isinstance(run.provenance, Unavailable) else str(run.provenance.get("tokenizer"))
    return score.sha256, "" if score.lossless_tokenizer else tokenizer


def _why_alone(scored: Scored | Unavailable, texts: Sequence[str]) -> str:
    """Why; `texts` are the SHA-256 of what each group was scored on."""
    if isinstance(scored, Unavailable):
        return scored.why
    score = scored.evaluation
    if texts.count(score.sha256) == 1:
        return f"It was scored on another text, of {counted(score.characters, 'character')}."
    if not score.lossless_tokenizer:
        return "Its tokenizer loses text (white space)."
    return "The tokenizers of the others on its text lose some of it (white space)."


def _comparable(runs: Sequence[ComparedRun]) -> Comparable:
    scores = {run.name: require(run.scored).evaluation for run in runs}
    score = scores[runs[0].name]
    words = [f"Scored on the same {counted(score.characters, 'character')} of held-out text."]
    if not score.lossless_tokenizer:
        words = [f"{words[0]} Their tokenizer loses some of it (white space): they compare with each other alone."]
    words += [
        f"{name}: early stopping chose the model by its loss on this text, so the score flatters it."
        for name, one in scores.items()
        if one.selected_on_this_text
    ]
    if len({run.trained_on for run in runs}) > 1:
        words.append("They were not all trained on the same text.")
    if len(runs) > 1:
        words.append(
            "The standard errors are from the choice of text, which is the same for all: two runs differ more surely "
            "than their bars suggest. How much another seed changes is for an experiment to tell."
        )
    return Comparable(runs, _shared(runs), words)


def _shared(runs: Sequence[ComparedRun]) -> list[Baseline]:
    """The simpler models that compare, and that are the same whichever of the runs one asks: those of characters
    learn from the same text, those of tokens in the same tokens too."""
    learned = {(run.trained_on if isinstance(run.trained_on, str) else run.name) for run in runs}
    if len(learned) != 1:
        return []
    tokenizers = {run.provenance.get("tokenizer") for run in runs if not isinstance(run.provenance, Unavailable)}
    lists = [run.scored.baselines for run in runs if not isinstance(run.scored, Unavailable) and run.scored.baselines]
    lossless = all(require(run.scored).evaluation.lossless_tokenizer for run in runs)
    return [
        baseline
        for baseline in (lists[0] if lists else [])
        if (len(tokenizers) == 1 if baseline.kind in TOKEN_KINDS else lossless)
    ]


T = TypeVar("T")

_UNKNOWN = "unknown"
_LOSSY = (
    "The curves of {} do not compare with the others: a tokenizer that loses text has fewer characters to predict."
)


def compare(runs: Sequence[SavedRun | str | Path], *, root: str | Path | None = None) -> Page:
    """Return a page that compares runs. A part that fails states its reason.

    Args:
        runs: two or more runs, paths of their folders, or their names.
        root: the folder in which names are looked for (default: ``$OCTAVO_RUNS``, else ``./runs``).

    Returns:
        The page: it shows itself in a notebook, and ``page.save(path)`` writes an HTML file.

    Raises:
        OctavoError: there is no such run, one is given twice, or there are fewer than two.

    Example:
        >>> octavo.compare(["hamlet", "othello"]).save("plays.html").name
        'plays.html'
    """
    opened = [open_saved_run(run, runs=root) for run in runs]
    places = [run.path.resolve() for run in opened]
    if twice := [run.name for run, place in zip(opened, places, strict=True) if places.count(place) > 1]:
        raise OctavoError(f"{twice[0]} is given twice: name each run once")
    if len(opened) < 2:
        raise OctavoError("a comparison is of two runs at least: give another, or make a report of one")
    read = [read_compared(run, number) for number, run in enumerate(opened, 1)]
    names = ", ".join(run.name for run in opened)
    return sections_page("Runs compared", f"On the same scales: {names}.", "", _sections(read))


def _sections(runs: Sequence[ComparedRun]) -> list[Section]:
    return [
        Section("score", "How good they are", _scores(runs)),
        Section("curves", "How training went", _curves(runs)),
        Section("diagnosis", "Diagnosis", [block for run in runs for block in _diagnosis(run)]),
        Section("settings", "Settings that differ", [_settings(runs)]),
        Section("costs", "What they cost", [_costs(runs)]),
        Section("again", "How to make them again", [block for run in runs for block in _again(run)]),
    ]


def _scores(runs: Sequence[ComparedRun]) -> list[Block]:
    groups, left = comparable(runs)
    blocks: list[Block] = [_dots(group) for group in groups]
    if left:
        others = "the others" if groups else "another"
        said = f"These scores do not compare with {others}: each is to be read beside simpler models on its own text."
        blocks += [Sentences([said]), _alone(left)]
    return blocks


def _dots(group: Comparable) -> Block:
    dots, rows = [], []
    for run in group.runs:
        score = require(run.scored).evaluation
        error = score.standard_error_bits_per_character
        dots.append(Dot(run.name, score.bits_per_character, error, model=True))
        around, perplexity = "" if error is None else f"{error:.4f}", f"{score.perplexity_per_token:.2f}"
        rows.append(
            (run.name, f"{score.bits_per_character:.4f}", around, f"{score.nats_per_character:.4f}", perplexity)
        )
    for one in group.baselines:
        dots.append(Dot(one.name, one.bits_per_character))
        rows.append((one.name, f"{one.bits_per_character:.4f}", "", f"{one.nats_per_character:.4f}", ""))
    head = ("model", "bits per character", "standard error", "nats per character", "perplexity per own token")
    return Dots(dots, Figures(head, sorted(rows, key=lambda row: -float(row[1]))), group.words)


def _alone(left: Sequence[Alone]) -> Block:
    rows = []
    for run, why in ((one.run, one.why) for one in left):
        if isinstance(run.scored, Unavailable):
            rows.append((run.name, "", "", "", why))
            continue
        score = run.scored.evaluation
        beside = run.scored.baselines if score.lossless_tokenizer else []
        best = min(beside, key=lambda baseline: baseline.bits_per_character, default=None)
        rows.append(
            (
                run.name,
                _around(score.bits_per_character, score.standard_error_bits_per_character),
                f"{score.nats_per_character:.4f}",
                f"{best.bits_per_character:.4f} bits, {best.name}" if best else "",
                why,
            )
        )
    return Table(("run", "bits per character", "nats per character", "best simpler model on its text", "why"), rows)


def _around(value: float, error: float | None) -> str:
    return f"{value:.4f}" if error is None else f"{value:.4f} ± {error:.4f}"


def _curves(runs: Sequence[ComparedRun]) -> list[Block]:
    """One upon the other. A run without any keeps its place, so that numbers are the same everywhere."""
    said = [f"{run.name}: {run.course.why}" for run in runs if isinstance(run.course, Unavailable)]
    lossy = [
        run.name for run in runs if isinstance(run.scored, Scored) and not run.scored.evaluation.lossless_tokenizer
    ]
    said += [_LOSSY.format(" and ".join(lossy))] if lossy and len(lossy) < len(runs) else []
    courses = [TrainingCurve(run.name, []) if isinstance(run.course, Unavailable) else run.course for run in runs]
    drawn: list[Block] = [Curves(courses)] if any(course.metrics for course in courses) else []
    return [Sentences(said), *drawn]


def _diagnosis(run: ComparedRun) -> list[Block]:
    said = [f"{run.name}:"]
    said += [run.standing] if run.standing else []
    if isinstance(run.findings, Unavailable):
        return [Sentences([*said, run.findings.why])]
    return [Sentences(said), Findings(run.findings)] if run.findings else [Sentences([f"{said[0]} nothing wrong."])]


def _settings(runs: Sequence[ComparedRun]) -> Block:
    """A row for each setting that is not the same everywhere, after the texts and the sizes."""
    rows = [
        ["text", *(_told(run.provenance, lambda found: str(found["text"]["name"])) for run in runs)],
        ["parameters", *(_told(run.provenance, lambda found: f"{found['parameters']:,}") for run in runs)],
    ]
    names = next((dotted_names(as_mapping(run.config)) for run in runs if isinstance(run.config, Config)), [])
    for name in names:
        values = [_UNKNOWN if isinstance(run.config, Unavailable) else setting(run.config, name) for run in runs]
        if len(set(values) - {_UNKNOWN}) > 1:
            rows.append([name, *values])
    return Table(("setting", *(run.name for run in runs)), rows)


def _costs(runs: Sequence[ComparedRun]) -> Block:
    facts = [cost_facts(run.costs) if isinstance(run.costs, Costs) else {} for run in runs]
    names = [name for name in dict.fromkeys(name for one in facts for name in one) if name != SHARE]
    rows = [[name, *(one.get(name, _UNKNOWN) for one in facts)] for name in names]
    return Table(("", *(run.name for run in runs)), rows)


def _again(run: ComparedRun) -> list[Block]:
    if isinstance(run.recipe, Unavailable):
        return [Sentences([f"{run.name}: {run.recipe.why}"])]
    return [Sentences([f"{run.name}:"]), Code(run.recipe.command)]


def _told(value: T | Unavailable, tell: Callable[[T], str]) -> str:
    return _UNKNOWN if isinstance(value, Unavailable) else tell(value)
