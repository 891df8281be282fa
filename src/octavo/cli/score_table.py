"""A score as people read it: the model in one table with what it has to beat, and whatever the figures leave out."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from octavo.terminal import duration

if TYPE_CHECKING:
    from octavo.evaluate import Baseline, Evaluation, Overlap

_HEAD = (("", "nats per", "nats per", "bits per", ""), ("", "token", "character", "character", "time"))
_WIDTHS = (34, 10, 11, 11, 11)
_OVERLAP = 0.01  # share of a text from which on it matters that the training part holds it

_Row = tuple[str, str, str, str, str]


def head(run: str, score: Evaluation) -> list[str]:
    """What was scored, and how."""
    windows = (
        f"pieces of {score.window_characters} characters, each from an empty context"
        if score.protocol == "disjoint"
        else f"windows of {score.context_length} tokens, {score.stride} apart"
    )
    amounts = f"{score.characters:,} characters, {score.bytes:,} bytes, {score.tokens:,} tokens"
    return [
        f"run       {run}, {score.checkpoint}",
        f"text      {score.text}: {amounts}",
        f"protocol  {score.protocol}: {windows}",
    ]


def table(score: Evaluation, baselines: Sequence[Baseline], training_seconds: float) -> list[str]:
    """The model among the baselines, from worst to best; where its tokenizer loses text, apart from those of text."""
    rows = {_row(f"  {b.name}", b, b.nats_per_token, b.seconds): b.nats_per_character for b in baselines}
    rows[_row("> this model", score, score.nats_per_token, training_seconds + score.seconds)] = (
        score.nats_per_character
    )
    ordered = sorted(rows, key=lambda row: -rows[row])
    if score.lossless_tokenizer:
        return [_line(row) for row in (*_HEAD, *ordered)]
    lines = [_line(row) for row in (*_HEAD, *(row for row in ordered if row[1]))]
    if baselines:
        lines.append("of all the text, white space too: compares with nothing above")
    return lines + [_line(row) for row in ordered if not row[1]]


def _row(name: str, score: Evaluation | Baseline, nats_per_token: float | None, seconds: float) -> _Row:
    return (
        name,
        "" if nats_per_token is None else f"{nats_per_token:.4f}",
        f"{score.nats_per_character:.4f}",
        f"{score.bits_per_character:.4f}",
        f"{seconds:.1f} s" if seconds < 60 else duration(seconds),
    )


def _line(row: _Row) -> str:
    name, *numbers = row
    return name.ljust(_WIDTHS[0]) + "".join(n.rjust(w) for n, w in zip(numbers, _WIDTHS[1:], strict=True)).rstrip()


def figures(score: Evaluation) -> list[str]:
    """What else is known of the score."""
    nats, bits = score.standard_error_nats_per_character, score.standard_error_bits_per_character
    return [
        "standard error  none: the text is too short for one"
        if nats is None
        else f"standard error  {nats:.4f} nats, {bits:.4f} bits per character, from the choice of text",
        f"bits per byte   {score.bits_per_byte:.4f}",
        f"perplexity      {score.perplexity_per_token:.2f} per token",
        "tokens          of this run's tokenizer: per-token figures compare with no other's",
    ]


def reservations(score: Evaluation, baselines: Sequence[Baseline], overlap: Overlap | None) -> list[str]:
    """Why a figure flatters, or compares with nothing. Without an `overlap` the text is the training part."""
    said: list[str] = []
    if baselines:
        said.append("time: to learn and to score; compressors learn also from what they score")
    notes: dict[str, list[str]] = {}
    for baseline in baselines:
        notes.setdefault(baseline.note, []).append(baseline.name)
    said += [f"{note}: {', '.join(names)}" for note, names in notes.items() if note]
    if overlap is None:
        said.append("the model was trained on this text: the score says what it remembers, not how good it is")
        said.append("the baselines are left out: they would learn from this very text")
    elif overlap.share >= _OVERLAP:
        whole = (
            "this text" if overlap.characters == score.characters else f"its first {overlap.characters:,} characters"
        )
        said.append(
            f"{overlap.share:.0%} of {whole} stands word for word in the training part, in stretches of "
            f"{overlap.stretch} characters or more: the scores flatter"
        )
    if score.selected_on_this_text:
        said.append(
            "selected on this text: early stopping chose the model by its loss here, so the score flatters it"
        )
    if not score.lossless_tokenizer:
        said.append("the tokenizer loses text (white space): these figures compare with no other model's")
    return [line for note in said for line in wrap(note, 80, subsequent_indent="  ")]
