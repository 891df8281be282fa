"""The run directory: its metrics, checkpoints, scores and provenance. Importing this takes no torch."""

from octavo.corpus.outputs import runs_root
from octavo.runs.directory import (
    NameTaken,
    RunDirectory,
    check_name,
    check_name_free,
    create_run,
    find_run,
    free_name,
    list_runs,
    open_run,
)
from octavo.runs.lock import Locked, locked, updating
from octavo.runs.metrics import MetricsLog, Record

__all__ = [
    "Locked",
    "MetricsLog",
    "NameTaken",
    "Record",
    "RunDirectory",
    "check_name",
    "check_name_free",
    "create_run",
    "find_run",
    "free_name",
    "list_runs",
    "locked",
    "open_run",
    "runs_root",
    "updating",
]
