"""A reproduction as a Markdown page."""

from collections.abc import Iterable, Sequence
from typing import Any

from octavo.evaluate import perplexity
from octavo.experiments.reproduction import commentary as reading
from octavo.experiments.reproduction import reported
from octavo.experiments.reproduction.epochs import first_epoch_points, sample_points
from octavo.experiments.reproduction.facts import Fact, Value
from octavo.experiments.reproduction.figures import EPOCHS, FIRST_EPOCH, PERPLEXITIES, attention_picture
from octavo.experiments.reproduction.reported import EpochRow
from octavo.experiments.reproduction.results import Reproduction, reported_epoch
from octavo.system.terminal import counted, duration, shown

EPOCH_HEAD = (
    "epoch",
    "training loss",
    "report",
    "difference",
    "validation loss",
    "report",
    "difference",
    "perplexity",
    "report",
    "difference",
)


def page(found: Reproduction) -> str:
    """The whole page, ``report.md``; pictures lie beside it."""
    sections = [
        _head(found),
        _diagnosis(found),
        _facts(found),
        ["## Epochs", reading.about_epochs(found), _epochs(found), _picture("losses and perplexities", EPOCHS)],
        _first_epoch(found),
        _perplexities(found),
        _runtime(found),
        _attention(found),
        _generations(found),
    ]
    return "\n\n".join(block for section in sections for block in section if block) + "\n"


def epoch_cells(row: EpochRow) -> list[str]:
    """A row of the table of epochs, under :data:`EPOCH_HEAD`."""
    theirs = reported_epoch(row.epoch)
    cells = [str(row.epoch)]
    for name, digits in (("train_loss", 4), ("validation_loss", 4), ("validation_perplexity", 2)):
        ours = getattr(row, name)
        cells.append(f"{ours:.{digits}f}")
        cells += [f"{(v := getattr(theirs, name)):.{digits}f}", f"{ours - v:+.{digits}f}"] if theirs else ["", ""]
    return cells


def _head(found: Reproduction) -> list[str]:
    last, machine = found.run.metrics[-1], found.runtime.trained_on
    changes = "; ".join(f"`{name}`: {change}" for name, change in found.changed.items())
    return [
        "# The report's experiment, reproduced",
        f"Run `{found.run.name}`: {counted(last['step'], 'step')}, {last['epoch']:.4g} epochs, "
        f"{duration(found.runtime.seconds)} on {_machine(machine)}. Losses are in nats per token of its tokenizer.",
        f"Settings that are not the report's: {changes}." if changes else "Every setting is the report's.",
    ]


def _diagnosis(found: Reproduction) -> list[str]:
    if not found.findings:
        return ["## Diagnosis", "Nothing is wrong with this run."]
    items = [
        f"- **{finding.kind}**: {finding.words}." + (f" To fix: {finding.fix}." if finding.fix else "")
        for finding in found.findings
    ]
    return ["## Diagnosis", "\n".join(items)]


def _facts(found: Reproduction) -> list[str]:
    good = sum(fact.equal for fact in found.facts)
    rows = [[fact.name, _shown(fact.expected), _shown(fact.seen), _verdict(fact)] for fact in found.facts]
    return [
        "## Facts",
        f"{good} of {len(rows)} as in the report.",
        _table(("fact", "report", "here", ""), rows),
    ]


def _verdict(fact: Fact) -> str:
    if fact.equal:
        return "equal"
    if fact.because:
        return "differs, because of " + ", ".join(f"`{setting}`" for setting in fact.because)
    return "**differs, and no changed setting explains it: a fault of Octavo**"


def _epochs(found: Reproduction) -> str:
    return _table(EPOCH_HEAD, map(epoch_cells, found.epochs)) if found.epochs else ""


def _first_epoch(found: Reproduction) -> list[str]:
    looks = first_epoch_points(found.looks)
    if not looks:
        return ["## The first epoch", reading.about_first_epoch(looks)]
    rows = [
        [
            f"{look.step:,}",
            f"{look.epoch:.2f}",
            f"{look.validation_loss:.4f}",
            f"{look.train_loss:.4f}",
            f"{look.weight_norm:.1f}",
        ]
        for look in sample_points(looks)
    ]
    return [
        "## The first epoch",
        reading.about_first_epoch(looks),
        _table(("step", "epoch", "validation loss", "training loss", "weight norm"), rows),
        f"A look is at {found.run.config.train.validation_windows or 'all'} windows of each part, without dropout.",
        _picture("the first epoch", FIRST_EPOCH),
    ]


def _perplexities(found: Reproduction) -> list[str]:
    measured = found.perplexities
    validation, wrong, right = measured.validation, measured.training_as_reported, measured.sample.mean
    rows = [
        ["validation loss", f"{validation.mean_of_batches:.4f}", f"{validation.mean:.4f}", reported.VALIDATION_LOSS],
        [
            "validation perplexity",
            f"{perplexity(validation.mean_of_batches):.2f}",
            f"{perplexity(validation.mean):.2f}",
            reported.VALIDATION_PERPLEXITY,
        ],
        ["training loss, a sample", f"{wrong:.4f}", f"{right:.4f}", reported.TRAINING_LOSS],
        [
            "training perplexity, a sample",
            f"{perplexity(wrong):.2f}",
            f"{perplexity(right):.2f}",
            reported.TRAINING_PERPLEXITY,
        ],
    ]
    return [
        "## Perplexity",
        _table(("", "computed as in the report", "done right", "the report says"), rows),
        f"Validation over all {len(validation.losses):,} batches: standard deviation of the batch losses "
        f"{validation.standard_deviation:.4f}, minimum {min(validation.losses):.4f}, maximum "
        f"{max(validation.losses):.4f}. The report takes the mean over batches, which counts the last, smaller one "
        "as much as the others; done right it is over windows.",
        reading.about_training_loss(measured),
        reading.about_floor(measured),
        reading.about_bits(found),
        _picture("perplexities and batch losses", PERPLEXITIES),
    ]


def _runtime(found: Reproduction) -> list[str]:
    here = found.runtime
    memory = f"{here.peak_memory_bytes / 1e9:.2f} GB" if here.peak_memory_bytes else "unknown"
    rows = [
        ["seconds an epoch", f"{here.seconds_per_epoch:,.1f}", f"{reported.SECONDS_PER_EPOCH:.0f}"],
        [
            f"minutes in all, {found.run.metrics[-1]['epoch']:.3g} epochs",
            f"{here.seconds / 60:,.1f}",
            f"{reported.SECONDS / 60:.1f}",
        ],
        *(
            [name, f"{rate:,.1f}", f"{theirs:.0f}"]
            for name, rate, theirs in (
                ("training steps/s", here.training_steps_per_second, reported.TRAINING_STEPS_PER_SECOND),
                ("validation steps/s", here.validation_steps_per_second, reported.VALIDATION_STEPS_PER_SECOND),
            )
        ),
        ["parameters", f"{here.parameters:,}", f"{reported.PARAMETERS:,}"],
        ["seconds for 100 tokens", f"{here.seconds_per_100_tokens:.2f}", f"{reported.SECONDS_PER_100_TOKENS}"],
        ["seconds for 100 tokens, with a cache", f"{here.seconds_per_100_tokens_cached:.2f}", ""],
        ["peak memory", memory, f"{reported.PEAK_MEMORY_BYTES / 1e9:.0f} GB"],
    ]
    epoch = "An epoch here has its small looks and its validation in it"
    if not here.epochs_timed:
        epoch = "An epoch here is an estimate, from the training steps alone"
    elsewhere = _machine(here.measured_on) if here.measured_on["processor"] != here.trained_on["processor"] else ""
    return [
        "## Runtime",
        _table(("", _machine(here.trained_on), reported.MACHINE), rows),
        f"{epoch}; a step is a batch of {found.run.config.data.batch_size} windows; memory is the most that the "
        "process which finished the training held at once, Python and PyTorch included."
        + (f" Generation was timed on {elsewhere}." if elsewhere else ""),
    ]


def _attention(found: Reproduction) -> list[str]:
    blocks = ["## Attention", reading.about_attention(found)]
    for read in found.attention:
        tokens = len(read.attention.passage.labels)
        blocks.append(f"The first {tokens} tokens of {_quoted(reported.ATTENTION_TEXTS[read.name])}:")
        blocks += [
            _picture(f"{read.name}, layer {layer}", attention_picture(read.name, layer))
            for layer in range(len(read.attention.patterns))
        ]
    return blocks


def _generations(found: Reproduction) -> list[str]:
    rows = [[f"{g.temperature}", _quoted(g.text)] for g in found.generations]
    what = f"{reported.NEW_TOKENS} new tokens, top-k {reported.TOP_K}, seed {found.run.config.train.seed}."
    return [
        "## Generations",
        f"{what} {reading.about_generation(found)}",
        _table(("temperature", "text"), rows) if rows else "The tokenizer has no token for any of the prompts.",
    ]


def _machine(facts: dict[str, Any]) -> str:
    threads = f", {facts['threads']} used" if "threads" in facts else ""
    return f"{facts['processor']} ({facts['cores']} cores{threads})"


def _shown(value: Value) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    if isinstance(value, str):
        return f"`{value[:12]}…`" if len(value) == 64 else _quoted(value)
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"


def _quoted(text: str) -> str:
    """Text of a model or a person, so that Markdown takes nothing of it for its own."""
    plain = shown(text).replace("\n", " ⏎ ").replace("|", "¦")
    fence = "``" if "`" in plain else "`"
    return f"{fence} {plain} {fence}" if fence == "``" else f"`{plain}`"


def _picture(what: str, name: str) -> str:
    return f"![{what}]({name}.png)"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
