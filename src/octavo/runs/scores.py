"""``evaluation.json``: the latest score of a run, and under ``all`` every one, the newest of each kind."""

from typing import Any, NewType

from octavo.errors import OctavoError
from octavo.runs.directory import RunDirectory
from octavo.typed_json import check_types

FILE = "evaluation.json"
Score = NewType("Score", dict[str, Any])  # an evaluation as plain values
_COUNTS = ("stride", "context_length", "tokens", "characters", "bytes")
_TYPES: dict[str, Any] = {
    **dict.fromkeys(("text", "sha256", "protocol", "checkpoint"), str),
    **dict.fromkeys(("own_text", "lossless_tokenizer", "selected_on_this_text"), bool),
    **dict.fromkeys((*_COUNTS, "window_characters"), int),
    **dict.fromkeys(("nats_per_token", "perplexity_per_token", "nats_per_character", "bits_per_character"), float),
    **dict.fromkeys(("nats_per_byte", "bits_per_byte", "seconds"), float),
    **dict.fromkeys(("standard_error_nats_per_character", "standard_error_bits_per_character"), float | None),
}
_MOST = 500  # that are kept: more would not fit into a file that is read again
_KIND = ("text", "own_text", "sha256", "protocol", "stride", "window_characters")


def scores(run: RunDirectory) -> list[Score]:
    """Every score of the run, oldest first."""
    if not (run.path / FILE).exists():
        return []
    try:
        entries = run.read_json(FILE)["all"]
        check_types({"all": entries}, {"all": [_TYPES]})
        if any(entry.get(name, 1) < 1 for entry in entries for name in _COUNTS):
            raise ValueError("a score of nothing")
    except (OctavoError, KeyError, ValueError):
        raise OctavoError(f"{run.path / FILE} is damaged: delete it and score the run again") from None
    return [Score(entry) for entry in entries]


def add_score(run: RunDirectory, score: Score) -> None:
    """Put a score first in the file, in place of an older one of the same text, protocol and stride, or where there
    are very many of the oldest that is not the standard one."""
    others = [s for s in scores(run) if any(s.get(key) != score.get(key) for key in _KIND)]
    standard = standard_score(run)
    while len(others) >= _MOST:
        others.remove(next(other for other in others if other != standard))
    run.write_json(FILE, {**score, "all": [*others, score]})


def standard_score(run: RunDirectory) -> Score | None:
    """The one that runs are listed by: the held-out part, sliding windows, half a context apart, newest weights."""
    newest = run.newest_checkpoint
    for score in scores(run):
        half = max(1, score.get("context_length", 0) // 2)
        kind = [score.get(key) for key in ("own_text", "text", "protocol", "stride")]
        if kind == [True, "validation", "sliding", half] and newest in ("", score.get("checkpoint")):
            return score
    return None
