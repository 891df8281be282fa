"""Write a reproduction as a Markdown page."""

from typing import Any

from octavo.evaluate import perplexity
from octavo.experiments.reproduction import commentary, reported
from octavo.experiments.reproduction.epochs import first_epoch_points, sample_points
from octavo.experiments.reproduction.facts import Fact, Value
from octavo.experiments.reproduction.figures import EPOCHS, FIRST_EPOCH, PERPLEXITIES, attention_picture
from octavo.experiments.reproduction.reported import EpochRow
from octavo.experiments.reproduction.results import Reproduction, reported_epoch
from octavo.reports.markdown_text import markdown_table
from octavo.system.terminal import duration, escape_controls, quantity

_EPOCH_FIGURES = (  # title, attribute of a row, digits
    ("training loss", "train_loss", 4),
    ("validation loss", "validation_loss", 4),
    ("perplexity", "validation_perplexity", 2),
)
EPOCH_HEAD = ("epoch", *(cell for title, _, _ in _EPOCH_FIGURES for cell in (title, "report", "difference")))


def reproduction_page(result: Reproduction) -> str:
    """Return the page ``report.md``; its pictures are in the same folder."""
    parts = (_head, _diagnosis, _facts, _epochs, _first_epoch, _perplexities, _runtime, _attention, _generations)
    return "\n\n".join(block for part in parts for block in part(result) if block) + "\n"


def epoch_cells(row: EpochRow) -> list[str]:
    """Return the row of an epoch in the table with the head :data:`EPOCH_HEAD`."""
    theirs = reported_epoch(row.epoch)
    cells = [str(row.epoch)]
    for _, name, digits in _EPOCH_FIGURES:
        ours = getattr(row, name)
        cells.append(f"{ours:.{digits}f}")
        cells += [f"{(v := getattr(theirs, name)):.{digits}f}", f"{ours - v:+.{digits}f}"] if theirs else ["", ""]
    return cells


def _head(result: Reproduction) -> list[str]:
    last, machine = result.run.metrics[-1], result.runtime.trained_on
    changes = "; ".join(f"`{name}`: {change}" for name, change in result.changed.items())
    return [
        "# The course report's experiment, reproduced",
        f"Run `{result.run.name}`: {quantity(last['step'], 'step')}, {last['epoch']:.4g} epochs, "
        f"{duration(result.runtime.seconds)} on {_machine(machine)}. Losses are in nats per token of its tokenizer. "
        '"The report" is the course report on this page.',
        f"Settings that differ from the report's: {changes}." if changes else "Every setting is the report's.",
    ]


def _diagnosis(result: Reproduction) -> list[str]:
    if not result.findings:
        return ["## Diagnosis", "No findings."]
    items = [
        f"- **{finding.kind}**: {finding.words}." + (f" To fix: {finding.fix}." if finding.fix else "")
        for finding in result.findings
    ]
    return ["## Diagnosis", "\n".join(items)]


def _facts(result: Reproduction) -> list[str]:
    equal = sum(fact.equal for fact in result.facts)
    rows = [[fact.name, _value(fact.expected), _value(fact.seen), _verdict(fact)] for fact in result.facts]
    return [
        "## Facts",
        f"{equal} of {len(rows)} as in the report.",
        markdown_table(("fact", "report", "here", ""), rows, escape=str),
    ]


def _verdict(fact: Fact) -> str:
    if fact.equal:
        return "equal"
    if fact.because:
        return "differs, because of " + ", ".join(f"`{setting}`" for setting in fact.because)
    return "**differs, and no changed setting explains it: a bug in Octavo**"


def _epochs(result: Reproduction) -> list[str]:
    table = markdown_table(EPOCH_HEAD, map(epoch_cells, result.epochs), escape=str) if result.epochs else ""
    return ["## Epochs", commentary.about_epochs(result), table, _picture("losses and perplexities", EPOCHS)]


def _first_epoch(result: Reproduction) -> list[str]:
    points = first_epoch_points(result.validation_curve)
    blocks = ["## The first epoch", commentary.about_first_epoch(points)]
    if not points:
        return blocks
    rows = [
        [f"{p.step:,}", f"{p.epoch:.2f}", f"{p.validation_loss:.4f}", f"{p.train_loss:.4f}", f"{p.weight_norm:.1f}"]
        for p in sample_points(points)
    ]
    windows = result.run.config.train.validation_windows or "all"
    return [
        *blocks,
        markdown_table(("step", "epoch", "validation loss", "training loss", "weight norm"), rows, escape=str),
        f"Each row is a validation point: {windows} windows of each split, without dropout.",
        _picture("the first epoch", FIRST_EPOCH),
    ]


def _perplexities(result: Reproduction) -> list[str]:
    measured = result.perplexities
    validation = measured.validation
    rows = []
    for split, note, as_reported, corrected in (
        ("validation", "", validation.mean_of_batches, validation.mean),
        ("training", ", a sample", measured.training_as_reported, measured.sample.mean),
    ):
        losses, perplexities = (as_reported, corrected), (perplexity(as_reported), perplexity(corrected))
        for name, ours, digits in (("loss", losses, 4), ("perplexity", perplexities, 2)):
            cells = [f"{figure:.{digits}f}" for figure in ours]
            rows.append([f"{split} {name}{note}", *cells, f"{reported.CLOSING[f'{split}_{name}']}"])
    return [
        "## Perplexity",
        markdown_table(("", "computed as in the report", "corrected", "report"), rows, escape=str),
        f"Validation over all {len(validation.losses):,} batches: standard deviation of the batch losses "
        f"{validation.standard_deviation:.4f}, minimum {min(validation.losses):.4f}, maximum "
        f"{max(validation.losses):.4f}. The report's mean is over batches, in which the last and smaller batch "
        "counts as much as the others; the corrected mean is over windows.",
        commentary.about_training_loss(measured),
        commentary.about_unigram_baseline(measured),
        commentary.about_bits(result),
        _picture("perplexities and batch losses", PERPLEXITIES),
    ]


def _runtime(result: Reproduction) -> list[str]:
    here = result.runtime
    memory = f"{here.peak_memory_bytes / 1e9:.2f} GB" if here.peak_memory_bytes else "unknown"
    epochs = f"{result.run.metrics[-1]['epoch']:.3g} epochs"
    rows = [
        ["seconds per epoch", f"{here.seconds_per_epoch:,.1f}", f"{reported.SECONDS_PER_EPOCH:.0f}"],
        [f"minutes in total, {epochs}", f"{here.seconds / 60:,.1f}", f"{reported.SECONDS / 60:.1f}"],
        ["training steps/s", f"{here.training_steps_per_second:,.1f}", f"{reported.TRAINING_STEPS_PER_SECOND:.0f}"],
        [
            "validation steps/s",
            f"{here.validation_steps_per_second:,.1f}",
            f"{reported.VALIDATION_STEPS_PER_SECOND:.0f}",
        ],
        ["parameters", f"{here.parameters:,}", f"{reported.PARAMETERS:,}"],
        ["seconds for 100 tokens", f"{here.seconds_per_100_tokens:.2f}", f"{reported.SECONDS_PER_100_TOKENS}"],
        ["seconds for 100 tokens, with a KV cache", f"{here.seconds_per_100_tokens_cached:.2f}", ""],
        ["peak memory", memory, f"{reported.PEAK_MEMORY_BYTES / 1e9:.0f} GB"],
    ]
    epoch = "An epoch includes its validation points and the validation at its end"
    if not here.epochs_timed:
        epoch = "The time of an epoch is an estimate from the training steps alone"
    elsewhere = _machine(here.measured_on) if here.measured_on["processor"] != here.trained_on["processor"] else ""
    return [
        "## Runtime",
        markdown_table(("", _machine(here.trained_on), reported.MACHINE), rows, escape=str),
        f"{epoch}. A step is a batch of {result.run.config.data.batch_size} windows. Memory is the peak of the "
        "process that finished the training, including Python and PyTorch."
        + (f" Generation was timed on {elsewhere}." if elsewhere else ""),
    ]


def _attention(result: Reproduction) -> list[str]:
    blocks = ["## Attention", commentary.about_attention(result)]
    for text in result.attention:
        tokens = len(text.attention.passage.labels)
        blocks.append(f"The first {tokens} tokens of {_quoted(reported.ATTENTION_TEXTS[text.name])}:")
        blocks += [
            _picture(f"{text.name}, layer {layer}", attention_picture(text.name, layer))
            for layer in range(len(text.attention.patterns))
        ]
    return blocks


def _generations(result: Reproduction) -> list[str]:
    rows = [[f"{g.temperature}", _quoted(g.text)] for g in result.generations]
    settings = f"{reported.NEW_TOKENS} new tokens, top-k {reported.TOP_K}, seed {result.run.config.train.seed}."
    return [
        "## Generations",
        f"{settings} {commentary.about_generation(result)}",
        markdown_table(("temperature", "text"), rows, escape=str)
        if rows
        else "The tokenizer has no token for any of the prompts.",
    ]


def _machine(facts: dict[str, Any]) -> str:
    threads = f", {facts['threads']} used" if "threads" in facts else ""
    return f"{facts['processor']} ({facts['cores']} cores{threads})"


def _value(value: Value) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    if isinstance(value, str):
        return f"`{value[:12]}…`" if len(value) == 64 else _quoted(value)
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"


def _quoted(text: str) -> str:
    """Return untrusted text as inline code, in which Markdown interprets nothing."""
    plain = escape_controls(text).replace("\n", " ⏎ ").replace("|", "¦")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def _picture(alternative: str, name: str) -> str:
    return f"![{alternative}]({name}.png)"
