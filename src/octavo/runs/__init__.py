"""The run directory, its metrics and checkpoints, and where it comes from. Importing this takes no torch."""

from octavo.runs.directory import (
    RunDirectory,
    check_name,
    create_run,
    free_name,
    list_runs,
    open_run,
    runs_root,
)
from octavo.runs.metrics import Event, MetricsLog, read_metrics

__all__ = [
    "Event",
    "MetricsLog",
    "RunDirectory",
    "check_name",
    "create_run",
    "free_name",
    "list_runs",
    "open_run",
    "read_metrics",
    "runs_root",
]
