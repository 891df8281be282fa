"""The results of an experiment as Markdown, with aligned columns so that it is also readable as plain text."""

import math
from collections.abc import Callable, Sequence

from octavo.experiments.results import CellResult, VariantSummary
from octavo.experiments.spec import Spec
from octavo.reports.markdown_text import markdown_table
from octavo.system.statistics import CONFIDENCE, Estimate
from octavo.system.terminal import escape_controls, quantity

_INTERVAL = f"{CONFIDENCE:.0%} interval".replace("%", " %")
_NONE = "–"
_BITS, _NATS = "bits_per_character", "nats_per_character"

Column = tuple[str, Callable[[VariantSummary], str]]  # title, and the cell of a variant


def experiment_markdown(spec: Spec, rows: Sequence[CellResult], summary: Sequence[VariantSummary]) -> str:
    """Return title, tables and notes. Scores are in bits per character, with nats next to them."""
    parts = [f"# {escape_controls(' '.join(spec.title.split()))}"] if spec.title else []
    parts += [_aligned_table(_score_columns(spec, rows), summary)]
    if spec.contexts:
        parts.append("Bits per character in windows of these numbers of tokens, with a stride of half a window:")
        parts.append(_aligned_table(_context_columns(spec), summary))
    parts.append("Means over the seeds; losses in nats per token, at the last validation point:")
    parts.append(_aligned_table(_cost_columns(), summary))
    parts.append("\n".join(f"- {line}" for line in _notes(spec, rows, summary)))
    return "\n\n".join(parts) + "\n"


def _score_columns(spec: Spec, rows: Sequence[CellResult]) -> list[Column]:
    columns: list[Column] = [
        ("variant", lambda s: s.variant),
        ("seeds", lambda s: str(s.scored) if s.scored == s.planned else f"{s.scored} of {s.planned}"),
        ("bits per character", lambda s: _mean(s.figures.get(_BITS), "{:.4f}")),
        (_INTERVAL, lambda s: _interval(s.figures.get(_BITS), "{:.4f}")),
    ]
    if len(spec.variants) > 1:
        columns += [
            (f"minus {spec.base}", lambda s: _difference(s, spec.base)),
            (_INTERVAL, lambda s: _interval(s.differences.get(_BITS), "{:+.4f}")),
        ]
    columns.append(("nats per character", lambda s: _mean(s.figures.get(_NATS), "{:.4f}")))
    if not all(row.lossless_tokenizer for row in rows):
        columns.append(("nats per token", lambda s: _mean(s.figures.get("nats_per_token"), "{:.4f}")))
    return columns


def _context_columns(spec: Spec) -> list[Column]:
    def column(context: int) -> Column:
        name = f"{_NATS}@{context}"
        return str(context), lambda s: _with_interval(s.figures.get(name), 1 / math.log(2))

    return [("variant", lambda s: s.variant), *map(column, spec.contexts)]


def _cost_columns() -> list[Column]:
    def column(title: str, name: str, form: str, scale: float = 1.0) -> Column:
        return title, lambda s: _mean(s.figures.get(name), form, scale)

    return [
        ("variant", lambda s: s.variant),
        column("training loss", "train_loss", "{:.4f}"),
        column("validation loss", "validation_loss", "{:.4f}"),
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
        f"{text}Intervals cover the choice of seeds only (expanded percentile bootstrap): with five seeds they "
        "contain the true mean about 92 times in 100, with three 75, with two 50. Differences are taken seed by seed."
    ]
    if not all(row.lossless_tokenizer for row in rows):
        notes.append(
            "A tokenizer here is lossy (it drops white space): its scores are comparable only within that tokenizer."
        )
    if any(row.selected_on_this_text for row in rows):
        notes.append("Early stopping used the scored text: those scores are optimistic.")
    missing = len(spec.variants) * len(spec.seeds) - len(rows)
    notes += [f"{missing} of {quantity(missing + len(rows), 'run')} still missing."] if missing else []
    notes += [f"{s.variant}: {s.note}." for s in summary if s.note]
    notes += [
        f"{row.variant}, seed {row.seed}, failed: {escape_controls(row.failure)}." for row in rows if row.failure
    ]
    return notes


def _aligned_table(columns: Sequence[Column], summary: Sequence[VariantSummary]) -> str:
    rows = [[cell(variant) for _, cell in columns] for variant in summary]
    return markdown_table([title for title, _ in columns], rows, escape=str, aligned=True)


def _mean(estimate: Estimate | None, form: str, scale: float = 1.0) -> str:
    return _NONE if estimate is None else form.format(estimate.mean * scale)


def _interval(estimate: Estimate | None, form: str, scale: float = 1.0) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return _NONE
    return f"{form.format(estimate.low * scale)} … {form.format(estimate.high * scale)}"


def _with_interval(estimate: Estimate | None, scale: float) -> str:
    interval = _interval(estimate, "{:.3f}", scale)
    return _mean(estimate, "{:.4f}", scale) + ("" if interval == _NONE else f" ({interval})")


def _difference(summary: VariantSummary, base: str) -> str:
    if summary.variant == base:
        return "(base)"
    difference = summary.differences.get(_BITS)
    of_seeds = f" (of {difference.n})" if difference and difference.n < summary.scored else ""
    return _mean(difference, "{:+.4f}") + of_seeds
