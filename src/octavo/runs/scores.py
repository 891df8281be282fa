"""``evaluation.json``: the standard score of a run, and under ``all`` the newest score of each kind.

The standard score is that of the validation split in sliding windows half a context apart, with the weights of the
newest checkpoint. If there is none, the file has only ``all``, so that no other score is mistaken for it.
"""

from collections.abc import Sequence
from typing import Any, NewType

from octavo.config.inference import default_stride
from octavo.errors import OctavoError
from octavo.formats.json_schema import check_types
from octavo.runs.directory import RunDirectory
from octavo.runs.lock import updating

SCORES_FILE = "evaluation.json"
Score = NewType("Score", dict[str, Any])  # an evaluation as plain values
_COUNTS = ("stride", "context_length", "tokens", "characters", "bytes")
SCORE_TYPES: dict[str, Any] = {
    **dict.fromkeys(("text", "sha256", "protocol", "checkpoint"), str),
    **dict.fromkeys(("own_text", "lossless_tokenizer", "selected_on_this_text"), bool),
    **dict.fromkeys((*_COUNTS, "window_characters", "document_ends"), int),
    **dict.fromkeys(("nats_per_token", "perplexity_per_token", "nats_per_character", "bits_per_character"), float),
    **dict.fromkeys(("nats_per_byte", "bits_per_byte", "seconds"), float),
    **dict.fromkeys(("standard_error_nats_per_character", "standard_error_bits_per_character"), float | None),
}
_MAX_SCORES = 500  # more would not fit into a file that is read again
_KIND_KEYS = ("text", "own_text", "sha256", "protocol", "stride", "window_characters")


def scores(run: RunDirectory) -> list[Score]:
    """Return every score of the run, oldest first.

    Raises:
        OctavoError: the file is damaged.
    """
    if not (run.path / SCORES_FILE).exists():
        return []
    try:
        entries = run.read_json(SCORES_FILE)["all"]
        check_types({"all": entries}, {"all": [SCORE_TYPES]})
        if any(entry.get(name, 1) < 1 for entry in entries for name in _COUNTS):
            raise ValueError("a count below 1")
    except (OctavoError, KeyError, ValueError):
        raise OctavoError(f"{run.path / SCORES_FILE} is damaged: delete it and score the run again") from None
    return [Score(entry) for entry in entries]


def add_score(run: RunDirectory, score: Score) -> None:
    """Add a score; it replaces an older one of the same text, protocol and stride.

    If there are very many, the oldest that is not the standard one is dropped.

    Raises:
        OctavoError: the file is damaged.
        OSError: the file cannot be written; it is unchanged.
    """
    with updating(run):
        kept = [s for s in scores(run) if _kind(s) != _kind(score)]
        kept.append(score)
        standard = _standard(run, kept)
        while len(kept) > _MAX_SCORES:
            kept.remove(next(other for other in kept if other != standard))
        run.write_json(SCORES_FILE, {**(standard or {}), "all": kept})


def _kind(score: Score) -> list[Any]:
    return [*map(score.get, _KIND_KEYS), score.get("document_ends", 0)]


def standard_score(run: RunDirectory) -> Score | None:
    """Return the score that runs are compared by; None if the newest checkpoint has none."""
    return _standard(run, scores(run))


def is_standard(score: Score) -> bool:
    """Return whether a score is of the validation split, in sliding windows half a context apart."""
    kind = [score.get(key) for key in ("own_text", "text", "protocol", "stride")]
    return kind == [True, "validation", "sliding", default_stride(score.get("context_length", 0))]


def _standard(run: RunDirectory, candidates: Sequence[Score]) -> Score | None:
    newest = run.newest_checkpoint
    return next((s for s in candidates if is_standard(s) and newest in ("", s.get("checkpoint"))), None)
