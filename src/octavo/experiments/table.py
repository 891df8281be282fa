"""The results as Markdown that can also be read as it is."""

from collections.abc import Callable, Sequence

from octavo.experiments.results import CellResult, VariantSummary
from octavo.experiments.spec import Spec
from octavo.system.statistics import CONFIDENCE, Estimate
from octavo.system.terminal import escape_controls, quantity

_INTERVAL = f"{CONFIDENCE:.0%} interval".replace("%", " %")
_NONE = "–"

Column = tuple[str, Callable[[VariantSummary], str]]


def experiment_markdown(spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary]) -> str:
    """Title, tables, and what has to be said about them."""
    parts = [f"# {escape_controls(' '.join(spec.title.split()))}"] if spec.title else []
    parts += [_lined_up(_scores(spec, rows), summary)]
    if spec.contexts:
        parts.append("Nats per character in windows of so many tokens, half a window apart:")
        parts.append(_lined_up(_contexts(spec), summary))
    parts.append("Means over the seeds; losses in nats per token, of the last look at the text:")
    parts.append(_lined_up(_costs(), summary))
    parts.append("\n".join(f"- {line}" for line in _notes(spec, rows, summary)))
    return "\n\n".join(parts) + "\n"


def _scores(spec: Spec, rows: Sequence[CellResult]) -> list[Column]:
    columns: list[Column] = [
        ("variant", lambda s: s.variant),
        ("seeds", lambda s: str(s.scored) if s.scored == s.planned else f"{s.scored} of {s.planned}"),
        ("nats per character", lambda s: _mean(s.figures.get("nats_per_character"), "{:.4f}")),
        (_INTERVAL, lambda s: _interval(s.figures.get("nats_per_character"), "{:.4f}")),
    ]
    if len(spec.variants) > 1:
        columns += [
            (f"minus {spec.base}", lambda s: _difference(s, spec.base)),
            (_INTERVAL, lambda s: _interval(s.differences.get("nats_per_character"), "{:+.4f}")),
        ]
    columns.append(("bits", lambda s: _mean(s.figures.get("bits_per_character"), "{:.3f}")))
    if not all(row.lossless_tokenizer for row in rows):
        columns.append(("nats per token", lambda s: _mean(s.figures.get("nats_per_token"), "{:.4f}")))
    return columns


def _contexts(spec: Spec) -> list[Column]:
    def at(context: int) -> Column:
        name = f"nats_per_character@{context}"
        return str(context), lambda s: _with_interval(s.figures.get(name))

    return [("variant", lambda s: s.variant), *map(at, spec.contexts)]


def _costs() -> list[Column]:
    def column(title: str, name: str, form: str, scale: float = 1.0) -> Column:
        return title, lambda s: _mean(s.figures.get(name), form, scale)

    return [
        ("variant", lambda s: s.variant),
        column("training loss", "train_loss", "{:.4f}"),
        column("held-out loss", "validation_loss", "{:.4f}"),
        column("weight norm", "weight_norm", "{:.1f}"),
        column("parameters", "parameters", "{:,.0f}"),
        column("steps", "steps", "{:,.0f}"),
        column("seconds", "seconds", "{:,.1f}"),
        column("tokens/s", "tokens_per_second", "{:,.0f}"),
        column("peak MiB", "peak_memory_bytes", "{:,.0f}", 2**-20),
    ]


def _notes(spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary]) -> list[str]:
    characters = sorted({row.characters for row in rows if row.characters})
    text = f"Scored on {' or '.join(f'{n:,}' for n in characters)} held-out characters. " if characters else ""
    notes = [
        f"{text}Intervals are of the seeds alone (expanded percentile bootstrap): with five they hold the true mean "
        "about 92 times in 100, with three 75, with two 50. A difference is taken seed by seed."
    ]
    if not all(row.lossless_tokenizer for row in rows):
        notes.append(
            "A tokenizer here loses text (white space): its figures compare only with those of the same one."
        )
    if any(row.selected_on_this_text for row in rows):
        notes.append("Early stopping looked at the scored text: those scores flatter.")
    missing = len(spec.variants) * len(spec.seeds) - len(rows)
    notes += [f"{missing} of {quantity(missing + len(rows), 'run')} still missing."] if missing else []
    notes += [f"{s.variant}: {s.note}." for s in summary if s.note]
    notes += [
        f"{row.variant}, seed {row.seed}, failed: {escape_controls(row.failure)}." for row in rows if row.failure
    ]
    return notes


def _lined_up(columns: Sequence[Column], summary: Sequence[VariantSummary]) -> str:
    """A Markdown table whose columns are as wide as their widest cell."""
    table = [[title for title, _ in columns], *[[cell(s) for _, cell in columns] for s in summary]]
    widths = [max(3, *(len(row[i]) for row in table)) for i in range(len(columns))]
    lines = [
        "| "
        + " | ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        + " |"
        for row in table
    ]
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (w + 1) + ":" for w in widths[1:])]) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _mean(estimate: Estimate | None, form: str, scale: float = 1.0) -> str:
    return _NONE if estimate is None else form.format(estimate.mean * scale)


def _interval(estimate: Estimate | None, form: str) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return _NONE
    return f"{form.format(estimate.low)} … {form.format(estimate.high)}"


def _with_interval(estimate: Estimate | None) -> str:
    interval = _interval(estimate, "{:.3f}")
    return _mean(estimate, "{:.4f}") + ("" if interval == _NONE else f" ({interval})")


def _difference(summary: VariantSummary, base: str) -> str:
    if summary.variant == base:
        return "(base)"
    found = summary.differences.get("nats_per_character")
    of_seeds = f" (of {found.n})" if found and found.n < summary.scored else ""
    return _mean(found, "{:+.4f}") + of_seeds
