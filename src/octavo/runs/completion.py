"""Decide when a run is finished: one definition for all commands. Importing this takes no torch.

A run is finished when its training has ended, its newest checkpoint has a standard score, and it was examined:
baselines, memorisation, diagnosis, curves and samples. Samples come last, so if they exist every other part was
tried. If they failed, or if no examination was asked for, ``examination.json`` records it. Earlier versions did not
write that file: for a scored run of theirs without any part of an examination, none was asked for.
"""

from collections.abc import Mapping
from typing import Any, Literal

from octavo.runs.checkpoint_files import max_file_bytes, newest_is_damaged
from octavo.runs.directory import RunDirectory
from octavo.runs.earlier_versions import predates_examination_record
from octavo.runs.scores import standard_score

EXAMINATION_FILE = "examination.json"
_TYPES: dict[str, Any] = {"brief": bool, "failed": dict[str, str]}
_EXPERIMENT_FILE = "experiment.json"  # in the parent folder: its runs are only scored
_EXAMINATION_PARTS = ("baselines.json", "diagnosis.json", "samples.txt")  # one shows that an examination began

Stage = Literal["training", "score", "examination"]


def missing_stage(run: RunDirectory) -> Stage | None:
    """Return the first stage that a run still lacks; None if it is finished.

    Raises:
        OctavoError: a file that this depends on is damaged.
    """
    if not run.ended:
        return "training"
    if standard_score(run) is None:
        return "score"
    return None if _examined(run) else "examination"


def is_finished(run: RunDirectory) -> bool:
    """Return whether a run lacks no stage.

    Raises:
        OctavoError: a file that this depends on is damaged.
    """
    return missing_stage(run) is None


def nothing_is_left(run: RunDirectory, *, brief: bool) -> bool:
    """Return whether :func:`octavo.train` has nothing to do for a run; `brief`: without an examination.

    Nothing is missing, no part of the examination failed, and the newest checkpoint is intact.

    Raises:
        OctavoError: a file that this depends on is damaged.
        OSError: the newest checkpoint cannot be read.
    """
    if not is_finished(run) or failed_parts(run) or (_read(run).get("brief") and not brief):
        return False
    return not newest_is_damaged(run.path / "checkpoints", max_file_bytes(run.config))


def failed_parts(run: RunDirectory) -> dict[str, str]:
    """Return the parts of the examination that failed, each with the reason.

    Raises:
        OctavoError: the file is damaged.
    """
    return dict(_read(run).get("failed", {}))


def record_examination(run: RunDirectory, failed: Mapping[str, str]) -> None:
    """Record the parts of the examination that failed, by name with the reason; without any, remove the record.

    Raises:
        OSError: it cannot be written.
    """
    if failed:
        run.write_json(EXAMINATION_FILE, {"brief": False, "failed": dict(failed)})
    else:
        (run.path / EXAMINATION_FILE).unlink(missing_ok=True)


def record_brief(run: RunDirectory) -> None:
    """Record that no examination was asked for, unless the run was examined before.

    Raises:
        OSError: it cannot be written.
    """
    if not _examined(run):
        run.write_json(EXAMINATION_FILE, {"brief": True, "failed": {}})


def _examined(run: RunDirectory) -> bool:
    if (run.path / "samples.txt").is_file() or (run.path.parent / _EXPERIMENT_FILE).is_file():
        return True
    if record := _read(run):
        return bool(record.get("brief")) or "samples" in record.get("failed", {})
    return not any((run.path / name).exists() for name in _EXAMINATION_PARTS) and predates_examination_record(
        run.provenance
    )


def _read(run: RunDirectory) -> dict[str, Any]:
    return run.read_typed(EXAMINATION_FILE, _TYPES) if (run.path / EXAMINATION_FILE).exists() else {}
