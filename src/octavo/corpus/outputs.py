"""Recognise Octavo's own outputs, so that a model is never trained on the files of another one."""

import os
import re
from pathlib import Path

from octavo.formats.files import user_path

IS_RUN = "a run of Octavo, not a text"
IS_EXPERIMENT = "an experiment of Octavo, not a text"
IS_RUNS_ROOT = "the folder of the runs"
IS_OUTPUT = "written by Octavo"

# Every run has these files from its start. One of them may be missing.
_RUN_FILES = ("config.toml", "provenance.json", "data/parts.json")
_EXPERIMENT_FILES = ("experiment.json", "table.md")
# Names that other programs use too: they count only if the second file is next to the first.
_COMPANION_FILES = {"bench.json": "bench.png", "heads.json": "heads.html", "report.md": "curves.png"}
_PAGE = re.compile(
    rb'<!doctype html>\n<html lang="[\w-]*">\n<head>\n<meta charset="utf-8">\n'
    rb'<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; script-src &#39;sha256-'
)
_PICTURE = re.compile(rb"<\?xml.*<dc:title>Octavo</dc:title>", re.DOTALL)  # its creator


def runs_root(given: str | Path | None = None) -> Path:
    """Return the folder of all runs: as given, else ``$OCTAVO_RUNS``, else ``./runs``."""
    return user_path(given or os.environ.get("OCTAVO_RUNS") or "runs")


def is_run(folder: Path) -> bool:
    """Return whether a folder is a run, finished or not."""
    return sum(os.path.isfile(folder / name) for name in _RUN_FILES) >= 2


def is_experiment(folder: Path) -> bool:
    """Return whether a folder has an experiment's results."""
    return all(os.path.isfile(folder / name) for name in _EXPERIMENT_FILES)


def enclosing_run(path: Path) -> Path | None:
    """Return the run that contains `path` or is `path`, with links followed; None if there is none."""
    real = Path(os.path.realpath(path))
    return next((folder for folder in (real, *real.parents) if is_run(folder)), None)


def is_output(path: Path, head: bytes) -> bool:
    """Return whether a file, which begins with `head`, is a page, figure or table that Octavo wrote."""
    companion = _COMPANION_FILES.get(path.name)
    return bool(_PAGE.match(head) or _PICTURE.match(head)) or (
        companion is not None and (path.parent / companion).is_file()
    )
