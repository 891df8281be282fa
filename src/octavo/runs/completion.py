"""Decide when a run is finished: one definition for all commands. Importing this takes no torch.

A run is finished when it is trained to its end, its newest checkpoint has a standard score, and it was examined:
compared with simpler models, diagnosed, drawn and sampled. The samples come last, so where they are the rest was
tried. Where they could not be made, or nobody asked for an examination, ``examination.json`` says so.
Earlier versions did not write that file: of a scored run of theirs without any part of an examination, nobody asked
for one.
"""

from collections.abc import Mapping
from typing import Any, Literal

from octavo.runs.directory import RunDirectory
from octavo.runs.scores import standard_score

EXAMINATION_FILE = "examination.json"
_TYPES: dict[str, Any] = {"brief": bool, "failed": dict[str, str]}
_EXPERIMENT = "experiment.json"  # beside runs of an earlier version that nobody asked to examine
_BEGUN = ("baselines.json", "diagnosis.json", "samples.txt")  # by one of which an examination is known to have begun

Stage = Literal["training", "score", "examination"]


def missing_stage(run: RunDirectory) -> Stage | None:
    """Return what a run still lacks; None: it is finished.

    Raises:
        OctavoError: a file that says so is damaged.
    """
    if not run.ended:
        return "training"
    if standard_score(run) is None:
        return "score"
    return None if _examined(run) else "examination"


def is_finished(run: RunDirectory) -> bool:
    """Return whether a run lacks nothing.

    Raises:
        OctavoError: a file that says so is damaged.
    """
    return missing_stage(run) is None


def failed_parts(run: RunDirectory) -> dict[str, str]:
    """Return the parts of the examination that could not be made, each with the reason in a sentence.

    Raises:
        OctavoError: the file is damaged.
    """
    return dict(_read(run).get("failed", {}))


def record_examination(run: RunDirectory, failed: Mapping[str, str]) -> None:
    """Note what came of the examination; of one that made everything there is nothing to note.

    Raises:
        OSError: it cannot be written.
    """
    if failed:
        run.write_json(EXAMINATION_FILE, {"brief": False, "failed": dict(failed)})
    else:
        (run.path / EXAMINATION_FILE).unlink(missing_ok=True)


def record_brief(run: RunDirectory) -> None:
    """Note that nobody asked for an examination, unless there was one.

    Raises:
        OSError: it cannot be written.
    """
    if not _examined(run):
        run.write_json(EXAMINATION_FILE, {"brief": True, "failed": {}})


def _examined(run: RunDirectory) -> bool:
    if (run.path / "samples.txt").is_file() or (run.path.parent / _EXPERIMENT).is_file():
        return True
    if noted := _read(run):
        return bool(noted.get("brief")) or "samples" in noted.get("failed", {})
    return not any((run.path / name).exists() for name in _BEGUN) and _of_an_earlier_version(run)


def _of_an_earlier_version(run: RunDirectory) -> bool:
    """Return whether the run was begun by a version that did not note whether an examination was asked for.

    Those versions forecast the training alone, not the whole command.
    """
    return "whole_command" not in run.provenance.get("forecast", {})


def _read(run: RunDirectory) -> dict[str, Any]:
    return run.read_typed(EXAMINATION_FILE, _TYPES) if (run.path / EXAMINATION_FILE).exists() else {}
