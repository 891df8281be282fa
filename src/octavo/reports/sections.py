"""The sections of one run's report: each value with what is to be known of it, or why it is not there."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from octavo.config import Config, load_preset
from octavo.diagnosis import Finding
from octavo.evaluate.marked import Marked
from octavo.reports.absent import Absent, attempt, known
from octavo.reports.costs import Costs
from octavo.reports.facts import cost_facts, model_facts, origin_facts, settings_tables, text_facts
from octavo.reports.reproducing import Recipe, differing, nearest_preset
from octavo.reports.run_report import RunReport
from octavo.reports.section import Block, Code, Curves, Facts, Findings, Samples, Scored, Section, Sentences, Tables
from octavo.terminal import duration

T = TypeVar("T")

_PASSAGE = "It reads the beginning of the held-out text, which it was not trained on."
_BEGINNING = f"{_PASSAGE} What that costs is not the score, which is of all of it."
_WINDOWS = (
    "Heads are measured over windows of the held-out text, each read from an empty context. What the model needs for "
    "them is not the score, for which it reads all of that text and has more before most of its tokens."
)
_SHARE = (
    "The share of the peak is the model's own arithmetic beside what matrix products of the same precision reach on "
    "this machine, one thread times their number, measured when this page was made. The model's is every weight it "
    "multiplies and every pair of positions it looks at, forward and, twice that, backward; looking up embeddings, "
    "pairs that the causal mask hides and the optimizer's own work do not count."
)


def sections(report: RunReport) -> list[Section]:
    """Everything about the run, in the order that one reads it."""
    r = report
    return [
        Section("trained", "Text and model", [*_of(r, _text), *_of(r, _model)]),
        Section("score", "How good it is", _of(r.scored, lambda scored: _score(r.name, scored))),
        Section("diagnosis", "Diagnosis", _of(r.findings, _diagnosis)),
        Section("curves", "How training went", _of(r.course, lambda course: [Curves([course])])),
        Section("attention", "Where its heads look", _of(r.attention, lambda shown: [Sentences([_PASSAGE]), shown])),
        Section("heads", "What each head does", _of(r.heads, lambda shown: [Sentences([_WINDOWS]), shown])),
        Section("surprise", "What surprises it", _of(r.surprise, lambda shown: [Sentences([_BEGINNING]), shown])),
        Section("layers", "What its layers know", _of(r.lens, lambda shown: [Sentences([_PASSAGE]), shown])),
        Section("samples", "What it writes", _of(r.samples, lambda marked: _samples(marked, r))),
        Section("costs", "What it cost", _of(r.costs, _costs)),
        Section("settings", "Settings", _of(r.config, _settings)),
        Section("origin", "Where it comes from", _of(r.provenance, lambda p: [Facts(origin_facts(p, r.checkpoint))])),
        Section("again", "How to make it again", _of(r.recipe, _again)),
    ]


def lead(report: RunReport) -> str:
    """The run in a sentence, as far as it is known."""

    def trained() -> str:
        text, steps = known(report.provenance)["text"]["name"], known(report.costs)
        return (
            f"A Transformer of {known(report.parameters):,} parameters, trained on {text} for "
            f"{duration(steps.seconds)} ({steps.epochs:.1f} epochs)"
        )

    def scored() -> str:
        found = known(report.scored)
        beside = found.baselines if found.evaluation.lossless_tokenizer else []
        best = min(beside, key=lambda baseline: baseline.bits_per_character, default=None)
        compared = f"; the best simpler model, {best.name}, needs {best.bits_per_character:.3f}" if best else ""
        return f": it needs {found.evaluation.bits_per_character:.3f} bits per character of held-out text{compared}."

    said = attempt(trained), attempt(scored)
    beginning = f"{report.name}, a Transformer" if isinstance(said[0], Absent) else said[0]
    return beginning + (": it has no score yet." if isinstance(said[1], Absent) else said[1])


def _of(value: T | Absent, blocks: Callable[[T], Sequence[Block]]) -> Sequence[Block]:
    """The blocks of a value, or the sentence that says why there are none."""
    made = attempt(lambda: blocks(known(value)))
    return [Sentences([made.why])] if isinstance(made, Absent) else made


def _text(report: RunReport) -> Sequence[Block]:
    return [Facts(text_facts(known(report.provenance), known(report.parts), known(report.tokenizer)))]


def _model(report: RunReport) -> Sequence[Block]:
    return [Facts(model_facts(known(report.config), known(report.parameters)))]


def _score(name: str, scored: Scored) -> Sequence[Block]:
    said = [
        "The score is how many bits each character of text that it has not seen costs: the fewer, the better. "
        "Other figures near it on this page are of other windows, or of less text, and say of which."
    ]
    if not scored.baselines:
        said.append("There are no simpler models beside it yet: evaluate the run to compute what they need.")
    return [Sentences(said), scored]


def _diagnosis(findings: Sequence[Finding]) -> Sequence[Block]:
    if not findings:
        return [Sentences(["Nothing wrong was found."])]
    return [Findings(findings)]


def _samples(marked: Marked, report: RunReport) -> Sequence[Block]:
    found = report.memorisation
    return [Samples(marked, None if isinstance(found, Absent) else found)]


def _costs(costs: Costs) -> Sequence[Block]:
    return [Facts(cost_facts(costs)), *([] if isinstance(costs.share, Absent) else [Sentences([_SHARE])])]


def _settings(config: Config) -> Sequence[Block]:
    name = nearest_preset(config)
    alike = not differing(load_preset(name), config)
    said = (
        f"They are those of the preset {name}."
        if alike
        else f"Where they differ from the preset {name}, its own stand beside them."
    )
    return [Sentences([said]), Tables(settings_tables(config))]


def _again(found: Recipe) -> Sequence[Block]:
    return [Code(found.command), Sentences(found.notes)]
