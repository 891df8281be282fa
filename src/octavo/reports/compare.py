"""Several runs on one page, on the same scales."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from octavo.config import Config
from octavo.errors import OctavoError
from octavo.pages import Page
from octavo.pages.scores import Dot, Figures
from octavo.pages.series import Course
from octavo.reports.absent import Absent, known
from octavo.reports.compared import Alone, Comparable, ComparedRun, comparable, read_compared
from octavo.reports.costs import Costs
from octavo.reports.facts import SHARE, cost_facts
from octavo.reports.page import sections_page
from octavo.reports.reproducing import setting
from octavo.reports.section import Block, Code, Curves, Dots, Findings, Scored, Section, Sentences, Table
from octavo.run import Run, load
from octavo.typed_toml import as_mapping, dotted_names

T = TypeVar("T")

_UNKNOWN = "unknown"
_LOSSY = (
    "The curves of {} do not compare with the others: a tokenizer that loses text has fewer characters to predict."
)


def compare(runs: Sequence[Run | str | Path], *, root: str | Path | None = None) -> Page:
    """The page of several runs (or their names or folders; names are looked for under `root`), which shows itself in
    a notebook; ``page.save(path)`` writes it. A part that cannot be made says why in its place.

    Raises:
        OctavoError: there is no such run, one is given twice, or there are fewer than two.
    """
    opened = [run if isinstance(run, Run) else load(run, runs=root) for run in runs]
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
        score = known(run.scored).evaluation
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
        if isinstance(run.scored, Absent):
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
    said = [f"{run.name}: {run.course.why}" for run in runs if isinstance(run.course, Absent)]
    lossy = [
        run.name for run in runs if isinstance(run.scored, Scored) and not run.scored.evaluation.lossless_tokenizer
    ]
    said += [_LOSSY.format(" and ".join(lossy))] if lossy and len(lossy) < len(runs) else []
    courses = [Course(run.name, []) if isinstance(run.course, Absent) else run.course for run in runs]
    drawn: list[Block] = [Curves(courses)] if any(course.metrics for course in courses) else []
    return [Sentences(said), *drawn]


def _diagnosis(run: ComparedRun) -> list[Block]:
    said = [f"{run.name}:"]
    said += [run.standing] if run.standing else []
    if isinstance(run.findings, Absent):
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
        values = [_UNKNOWN if isinstance(run.config, Absent) else setting(run.config, name) for run in runs]
        if len(set(values) - {_UNKNOWN}) > 1:
            rows.append([name, *values])
    return Table(("setting", *(run.name for run in runs)), rows)


def _costs(runs: Sequence[ComparedRun]) -> Block:
    facts = [cost_facts(run.costs) if isinstance(run.costs, Costs) else {} for run in runs]
    names = [name for name in dict.fromkeys(name for one in facts for name in one) if name != SHARE]
    rows = [[name, *(one.get(name, _UNKNOWN) for one in facts)] for name in names]
    return Table(("", *(run.name for run in runs)), rows)


def _again(run: ComparedRun) -> list[Block]:
    if isinstance(run.recipe, Absent):
        return [Sentences([f"{run.name}: {run.recipe.why}"])]
    return [Sentences([f"{run.name}:"]), Code(run.recipe.command)]


def _told(value: T | Absent, tell: Callable[[T], str]) -> str:
    return _UNKNOWN if isinstance(value, Absent) else tell(value)
