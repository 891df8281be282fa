"""``evaluation.json``: the latest score of a run, and under ``all`` every one, the newest of each kind."""

from typing import Any, NewType

from octavo.errors import OctavoError
from octavo.runs.directory import RunDirectory

FILE = "evaluation.json"
Score = NewType("Score", dict[str, Any])  # an evaluation as plain values
_KIND = ("text", "own_text", "sha256", "protocol", "stride", "window_characters")


def scores(run: RunDirectory) -> list[Score]:
    """Every score of the run, oldest first."""
    if not (run.path / FILE).exists():
        return []
    entries = run.read_json(FILE).get("all")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise OctavoError(f"{run.path / FILE} is damaged: delete it and run octavo evaluate {run.name}")
    return [Score(entry) for entry in entries]


def add_score(run: RunDirectory, score: Score) -> None:
    """Put a score first in the file, in place of an older one of the same text, protocol and stride."""
    others = [s for s in scores(run) if any(s.get(key) != score.get(key) for key in _KIND)]
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
