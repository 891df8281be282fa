"""Which run goes on, and whether it may with what is given again. Importing this takes no torch."""

import warnings
from datetime import UTC, datetime
from pathlib import Path

from octavo.config.overrides import Request, first_difference
from octavo.corpus import Corpus
from octavo.errors import OctavoError, OctavoWarning
from octavo.runs import RunDirectory, list_runs, open_run
from octavo.runs.completion import missing_stage
from octavo.system.terminal import escape_controls


def run_to_resume(root: Path, name: str | None) -> RunDirectory:
    """Return the run of that name, or of those under `root` that are not finished the one that was worked on last.

    Runs that lack training or a score come before those that lack the examination alone. A warning names those that
    are damaged.

    Raises:
        OctavoError: there is none.
    """
    if name is not None:
        return open_run(name, root)
    waiting: list[tuple[bool, str, str, RunDirectory]] = []
    damaged: list[OctavoError] = []
    for run in list_runs(root):
        try:
            if lacks := missing_stage(run):
                waiting.append((lacks != "examination", _worked_on(run), run.name, run))
        except OctavoError as error:
            damaged.append(error)
    if not waiting and damaged:
        raise damaged[-1]
    if not waiting:
        raise OctavoError(f"{root} holds no unfinished run to resume: begin a new one")
    for why in damaged:
        warnings.warn(f"passed over: {why}", OctavoWarning, stacklevel=2)
    *_, run = max(waiting, key=lambda one: one[:-1])
    return open_run(run.path, root)


def _worked_on(run: RunDirectory) -> str:
    """When its newest sitting began, or before the first one when it was made; as ISO 8601 in UTC.

    Not when its files changed: who copies a run has not worked on it.
    """
    sittings = run.provenance.get("sittings", [])
    made = datetime.fromtimestamp((run.path / "config.toml").stat().st_mtime, UTC)
    return str(sittings[-1].get("began", "") if sittings else made.isoformat(timespec="seconds"))


def check_unchanged(run: RunDirectory, request: Request, corpus: Corpus | None) -> None:
    """A resumed run keeps its config and text: what is given again must be what it was.

    Raises:
        OctavoError: it is not.
    """
    config = run.config
    if other := first_difference(config, request.applied_to(config)):
        raise OctavoError(f"{run.name} was begun with another {other}: resume it without that, or begin a new run")
    begun_with = run.provenance.get("text", {})
    if corpus is not None and corpus.sha256 != begun_with.get("sha256"):
        unit = begun_with.get("document_unit", "file")
        other = "text" if unit == corpus.document_unit else f"text, or with documents={escape_controls(unit)!r}"
        raise OctavoError(f"{run.name} was begun with another {other}: resume it without one, or begin a new run")
