"""A score on a terminal: the model in one table with what it has to beat, and whatever the figures leave out."""

from collections.abc import Sequence
from textwrap import wrap

from octavo.evaluate import Baseline, Evaluation, TrainOverlap
from octavo.evaluate.comparison import (
    NOT_COMPARABLE,
    THIS_MODEL,
    TIME_CAVEAT,
    ScoreRow,
    caveats,
    protocol_description,
    rank_scores,
)
from octavo.system.terminal import counted, duration

_HEAD = (("", "nats per", "nats per", "bits per", ""), ("", "token", "character", "character", "time"))
_WIDTHS = (34, 10, 11, 11, 11)

_Row = tuple[str, str, str, str, str]


def score_head(run: str, score: Evaluation) -> list[str]:
    """What was scored, and how."""
    amounts = (
        f"{counted(score.characters, 'character')}, {counted(score.bytes, 'byte')}, {counted(score.tokens, 'token')}"
    )
    return [
        f"run       {run}, {score.checkpoint}",
        f"text      {score.text}: {amounts}",
        f"protocol  {protocol_description(score)}",
    ]


def score_table(score: Evaluation, baselines: Sequence[Baseline], training_seconds: float) -> list[str]:
    """The model among the baselines, from worst to best; where its tokenizer loses text, apart from those of text."""
    found = rank_scores(score, baselines, training_seconds)
    rows = [*_HEAD, *map(_row, found.rows)]
    apart = list(map(_row, found.not_comparable))
    return [*map(_line, rows), *([NOT_COMPARABLE] if apart else []), *map(_line, apart)]


def _row(one: ScoreRow) -> _Row:
    return (
        f"{'>' if one.name == THIS_MODEL else ' '} {one.name}",
        "" if one.nats_per_token is None else f"{one.nats_per_token:.4f}",
        f"{one.nats_per_character:.4f}",
        f"{one.bits_per_character:.4f}",
        f"{one.seconds:.1f} s" if one.seconds < 60 else duration(one.seconds),
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


def score_notes_lines(score: Evaluation, baselines: Sequence[Baseline], overlap: TrainOverlap | None) -> list[str]:
    """Why a figure flatters, or compares with nothing, in lines."""
    said = [*([TIME_CAVEAT] if baselines else []), *caveats(score, baselines, overlap)]
    return [line for note in said for line in wrap(note, 80, subsequent_indent="  ")]
