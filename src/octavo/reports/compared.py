"""Several runs as values, and which of their scores compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from octavo.config import Config
from octavo.diagnosis import Finding
from octavo.evaluate import Baseline, Evaluation
from octavo.evaluate.baselines import TOKEN_KINDS
from octavo.pages.series import Course
from octavo.reports.absent import Absent, attempt, known
from octavo.reports.costs import Costs, read_costs
from octavo.reports.kept import read_course, read_findings, read_scored, read_standing
from octavo.reports.reproducing import Recipe, recipe
from octavo.reports.section import Scored
from octavo.run import Run
from octavo.terminal import counted


@dataclass(frozen=True)
class ComparedRun:
    """What a comparison shows of one run. What could not be made says why."""

    name: str  # with its number, from 1
    standing: str
    config: Config | Absent
    provenance: dict[str, Any] | Absent
    trained_on: str | Absent  # SHA-256 of the training part
    course: Course | Absent
    scored: Scored | Absent
    findings: list[Finding] | Absent
    costs: Costs | Absent
    recipe: Recipe | Absent


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


def read_compared(run: Run, number: int) -> ComparedRun:
    """Collect a run; nothing is computed anew."""
    scored = attempt(lambda: read_scored(run))
    return ComparedRun(
        name=f"{number} {run.name}",
        standing=read_standing(run),
        config=attempt(lambda: run.config),
        provenance=attempt(lambda: run.directory.provenance),
        trained_on=attempt(lambda: run.parts["train"].facts.sha256),
        course=attempt(lambda: read_course(run)),
        scored=scored,
        findings=attempt(lambda: read_findings(run, scored)),
        costs=attempt(
            lambda: read_costs(run.metrics, run.directory.provenance, None, run.config.data.context_length)
        ),
        recipe=attempt(lambda: recipe(run.config, run.directory.provenance, run.path)),
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
    left = [Alone(run, _alone(run.scored, texts)) for run in runs if not any(run in group for group in kept)]
    return [_comparable(group) for group in sorted(kept, key=len, reverse=True)], left


def _kind(run: ComparedRun, score: Evaluation) -> tuple[str, str]:
    """The text, and the tokenizer if it loses some of it."""
    tokenizer = run.name if isinstance(run.provenance, Absent) else str(run.provenance.get("tokenizer"))
    return score.sha256, "" if score.lossless_tokenizer else tokenizer


def _alone(scored: Scored | Absent, texts: Sequence[str]) -> str:
    """Why; `texts` are the SHA-256 of what each group was scored on."""
    if isinstance(scored, Absent):
        return scored.why
    score = scored.evaluation
    if texts.count(score.sha256) == 1:
        return f"It was scored on another text, of {counted(score.characters, 'character')}."
    if not score.lossless_tokenizer:
        return "Its tokenizer loses text (white space)."
    return "The tokenizers of the others on its text lose some of it (white space)."


def _comparable(runs: Sequence[ComparedRun]) -> Comparable:
    scores = {run.name: known(run.scored).evaluation for run in runs}
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
    tokenizers = {run.provenance.get("tokenizer") for run in runs if not isinstance(run.provenance, Absent)}
    lists = [run.scored.baselines for run in runs if not isinstance(run.scored, Absent) and run.scored.baselines]
    lossless = all(known(run.scored).evaluation.lossless_tokenizer for run in runs)
    return [
        baseline
        for baseline in (lists[0] if lists else [])
        if (len(tokenizers) == 1 if baseline.kind in TOKEN_KINDS else lossless)
    ]
