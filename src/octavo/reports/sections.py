"""The facts of a run by name, as people read them.

The sections of one run's report: each value with what is to be known of it, or why it is not there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from octavo.config import BUDGETS, Config, load_preset
from octavo.data import TokenSplit
from octavo.evaluate.diagnosis import Finding
from octavo.evaluate.overlap import HighlightedCopies
from octavo.formats.toml_schema import as_mapping
from octavo.reports.blocks import (
    Block,
    Code,
    Curves,
    Facts,
    Findings,
    Samples,
    Scored,
    Section,
    Sentences,
    Table,
    Tables,
    Unavailable,
    require,
    try_compute,
)
from octavo.reports.collect import RunReport
from octavo.reports.costs import Costs
from octavo.reports.recipe import Recipe, differing, nearest_preset, setting
from octavo.system.terminal import counted, duration
from octavo.tokenizer import Tokenizer

_PARTS = {"train": "Trained on", "validation": "Held out", "test": "Kept for a test"}
_LISTED = 5  # documents that are named
SHARE = "Share of its peak"


def corpus_facts(
    provenance: Mapping[str, Any], parts: Mapping[str, TokenSplit], tokenizer: Tokenizer
) -> dict[str, str]:
    """What was trained on, in characters and in tokens, start tokens not counted."""
    text, train = provenance["text"], parts["train"]
    tokens = {name: int(np.count_nonzero(part.ids != tokenizer.bos_id)) for name, part in parts.items()}
    documents = f" in {text['documents']:,} documents" if text["documents"] > 1 else ""
    return {
        "Text": f"{text['name']}: {counted(text['characters'], 'character')}{documents}",
        **{
            _PARTS[name]: f"{counted(part.facts.characters, 'character')}, {counted(tokens[name], 'token')}"
            for name, part in parts.items()
        },
        "Tokens": f"{tokenizer.vocab_size:,} different ones, of "
        f"{train.facts.characters / tokens['train']:.2f} characters on average",
    }


def model_facts(config: Config, parameters: int) -> dict[str, str]:
    """What was trained, and how."""
    model, train = config.model, config.train
    amounts = {budget: getattr(train, budget) for budget in BUDGETS}
    order = "before" if model.norm_order == "pre" else "after"
    return {
        "Parameters": f"{parameters:,}",
        "Layers": f"{model.n_layers} of {counted(model.n_heads, 'head')}, {model.d_model} wide, "
        f"feed-forward {model.d_ff} wide",
        "Parts": f"{model.position} positions, {model.norm} norm {order} each part, {model.feedforward}",
        "Context": f"{config.data.context_length} tokens, {counted(config.data.batch_size, 'window')} a step",
        "Tokenizer": config.tokenizer.kind,
        "Optimizer": f"{config.optimizer.kind}, {config.schedule.kind} schedule",
        "Budget": next(f"{n:,g} {name[:-1] if n == 1 else name}" for name, n in amounts.items() if n),
        "Seed": str(train.seed),
    }


def cost_facts(costs: Costs) -> dict[str, str]:
    """Time, speed, memory and the share of the machine's peak."""
    machine, share = costs.machine, costs.share
    return {
        "Time": f"{duration(costs.seconds)}, {100 * costs.stepping:.0f} % of it in steps"
        + (f"; {costs.sittings} sittings" if costs.sittings > 1 else ""),
        "Read": f"{counted(costs.steps, 'step')}, {costs.epochs:.1f} epochs, {counted(costs.tokens, 'token')}",
        "Speed": f"{costs.steps_per_second:.3g} steps, {costs.tokens_per_second:,.0f} tokens a second",
        "Peak memory": f"{costs.peak_memory_bytes / 2**20:,.0f} MiB" if costs.peak_memory_bytes else "unknown",
        "Machine": f"{machine['processor']}, {counted(machine['cores'], 'core')}, "
        f"{counted(machine['threads'], 'thread')}",
        "Numbers": f"{costs.precision} in training, fp32 for the score",
        SHARE: share.why
        if isinstance(share, Unavailable)
        else f"{100 * share.mfu:.0f} %: {_giga(share.flops_per_second)} of {_giga(share.matmul_rate)} GFLOP/s",
    }


def _giga(rate: float) -> str:
    return f"{rate / 1e9:,.0f}"


def origin_facts(provenance: Mapping[str, Any], checkpoint: str | Unavailable) -> dict[str, str]:
    """Text, machine and versions."""
    text, sittings = provenance["text"], provenance["sittings"]
    names = text["first_documents"][:_LISTED]
    more = text["documents"] - len(names)
    facts = {
        "Documents": ", ".join(names) + (f" and {more:,} more" if more else ""),
        "SHA-256 of the text": text["sha256"],
        "SHA-256 of the tokenizer": provenance["tokenizer"],
        "Checkpoint": checkpoint.why if isinstance(checkpoint, Unavailable) else checkpoint,
    }
    if sittings:
        last = sittings[-1]
        began = ", ".join(f"{one['began']} from step {one['first_step']:,}" for one in sittings)
        facts |= {
            "Began": began,
            "System": f"{last['system']}, Python {last['python']}",
            "Packages": ", ".join(f"{name} {version}" for name, version in last["packages"].items()),
        }
    return facts


def settings_tables(config: Config) -> list[Table]:
    """Every setting, a table a section, beside that of the nearest preset where it differs."""
    name = nearest_preset(config)
    preset = load_preset(name)
    others = set(differing(preset, config))
    tables = []
    for section, values in as_mapping(config).items():
        rows = []
        for key in values:
            dotted = f"{section}.{key}"
            rows.append((key, setting(config, dotted), setting(preset, dotted) if dotted in others else ""))
        if any(other for _, _, other in rows):
            tables.append(Table((section, "this run", name), rows))
        else:
            tables.append(Table((section, "this run"), [row[:2] for row in rows]))
    return tables


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
        text, steps = require(report.provenance)["text"]["name"], require(report.costs)
        return (
            f"A Transformer of {require(report.parameters):,} parameters, trained on {text} for "
            f"{duration(steps.seconds)} ({steps.epochs:.1f} epochs)"
        )

    def scored() -> str:
        found = require(report.scored)
        beside = found.baselines if found.evaluation.lossless_tokenizer else []
        best = min(beside, key=lambda baseline: baseline.bits_per_character, default=None)
        compared = f"; the best simpler model, {best.name}, needs {best.bits_per_character:.3f}" if best else ""
        return f": it needs {found.evaluation.bits_per_character:.3f} bits per character of held-out text{compared}."

    said = try_compute(trained), try_compute(scored)
    beginning = f"{report.name}, a Transformer" if isinstance(said[0], Unavailable) else said[0]
    return beginning + (": it has no score yet." if isinstance(said[1], Unavailable) else said[1])


def _of(value: T | Unavailable, blocks: Callable[[T], Sequence[Block]]) -> Sequence[Block]:
    """The blocks of a value, or the sentence that says why there are none."""
    made = try_compute(lambda: blocks(require(value)))
    return [Sentences([made.why])] if isinstance(made, Unavailable) else made


def _text(report: RunReport) -> Sequence[Block]:
    return [Facts(corpus_facts(require(report.provenance), require(report.splits), require(report.tokenizer)))]


def _model(report: RunReport) -> Sequence[Block]:
    return [Facts(model_facts(require(report.config), require(report.parameters)))]


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


def _samples(marked: HighlightedCopies, report: RunReport) -> Sequence[Block]:
    found = report.memorisation
    return [Samples(marked, None if isinstance(found, Unavailable) else found)]


def _costs(costs: Costs) -> Sequence[Block]:
    return [Facts(cost_facts(costs)), *([] if isinstance(costs.share, Unavailable) else [Sentences([_SHARE])])]


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
