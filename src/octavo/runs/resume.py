"""Choose the run to resume, and check that it was begun with the same settings and text.

Importing this takes no torch.
"""

import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from octavo.config import BUDGETS
from octavo.config.overrides import Request, first_difference
from octavo.corpus import Corpus
from octavo.errors import OctavoError, OctavoWarning
from octavo.runs import RunDirectory, list_runs, open_run
from octavo.runs.completion import missing_stage
from octavo.system.terminal import escape_controls


def run_to_resume(root: Path, name: str | None) -> RunDirectory:
    """Return the run of that name, or the unfinished run under `root` that was worked on last.

    Runs that lack training or a score come before those that lack only the examination. A warning names damaged runs.

    Raises:
        OctavoError: there is none, or it was shared without its text.
    """
    if name is not None:
        run = open_run(name, root)
        run.check_has_text()
        return run
    unfinished: list[tuple[bool, str, str, RunDirectory]] = []
    damaged: list[OctavoError] = []
    for run in list_runs(root):
        try:
            if not run.shared and (stage := missing_stage(run)):
                unfinished.append((stage != "examination", _last_worked_on(run), run.name, run))
        except OctavoError as error:
            damaged.append(error)
    if not unfinished and damaged:
        raise damaged[-1]
    if not unfinished:
        raise OctavoError(f"{root} has no unfinished run to resume: begin a new one, or name the one to extend")
    for problem in damaged:
        warnings.warn(f"skipped: {problem}", OctavoWarning, stacklevel=2)
    *_, run = max(unfinished, key=lambda entry: entry[:-1])
    return open_run(run.path, root)


def _last_worked_on(run: RunDirectory) -> str:
    """Return when the newest session began, or if there was none when the run was created; ISO 8601 in UTC.

    The times of its other files do not count: copying a run is not working on it.
    """
    sessions = run.provenance.get("sittings", [])
    created = datetime.fromtimestamp((run.path / "config.toml").stat().st_mtime, UTC)
    return str(sessions[-1].get("began", "") if sessions else created.isoformat(timespec="seconds"))


def check_unchanged(run: RunDirectory, request: Request, corpus: Corpus | None) -> None:
    """Check that settings and a text given when resuming are those that the run was begun with.

    A budget may be another one: :mod:`octavo.runs.extension` decides.

    Raises:
        OctavoError: they are not.
    """
    config, asked = run.config, request.applied_to(run.config)
    if request.has_budget:
        budgets = {name: getattr(config.train, name) for name in BUDGETS}
        asked = replace(asked, train=replace(asked.train, **budgets))
    if other := first_difference(config, asked):
        raise OctavoError(f"{run.name} was begun with another {other}: resume it without that, or begin a new run")
    begun_with = run.provenance.get("text", {})
    if corpus is not None and corpus.sha256 != begun_with.get("sha256"):
        unit = begun_with.get("document_unit", "file")
        other = "text" if unit == corpus.document_unit else f"text, or with documents={escape_controls(unit)!r}"
        raise OctavoError(f"{run.name} was begun with another {other}: resume it without one, or begin a new run")
