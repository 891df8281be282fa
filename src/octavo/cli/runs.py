"""``octavo runs``."""

import argparse
from typing import Any

from octavo.cli.output import align_columns, command, say
from octavo.errors import OctavoError
from octavo.runs import RunDirectory, list_runs, runs_root
from octavo.runs.completion import failed_parts, is_finished
from octavo.runs.scores import standard_score
from octavo.system.terminal import duration, escape_controls

_UNFINISHED = "unfinished"
_TITLES = ("RUN", "BITS/CHAR", "NATS/CHAR", "PARAMETERS", "STEPS", "TIME", "TEXT", "STATE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""


def run(options: argparse.Namespace) -> int:
    """Print a line for each run, oldest first; the line of a damaged one says so."""
    root = runs_root(options.runs)
    if root.exists() and not root.is_dir():
        raise OctavoError(f"{root} is not a folder: name the folder of the runs with --runs")
    rows = [_row(run) for run in list_runs(root)]
    if not rows:
        say(f"{root} holds no runs yet: {command('train', runs=options.runs)} makes one.")
        return 0
    say("\n".join(align_columns([_TITLES, *rows])))
    if any(row[-1] == _UNFINISHED for row in rows):
        resume = command("train", resume=True, runs=options.runs)
        say(f"\nTo resume the most recent unfinished run: {resume}")
    return 0


def _row(run: RunDirectory) -> tuple[str, ...]:
    try:
        return _undamaged_row(run)
    except (OctavoError, KeyError, TypeError, ValueError) as error:
        return (_cell(run.name), *["-"] * (len(_TITLES) - 2), _cell(f"damaged: {error}"))


def _undamaged_row(run: RunDirectory) -> tuple[str, ...]:
    provenance, score = run.provenance, standard_score(run)
    last: dict[str, Any] = run.last_record or {"step": 0, "seconds": 0.0}
    return (
        _cell(run.name),
        f"{score['bits_per_character']:.3f}" if score else "-",
        f"{score['nats_per_character']:.3f}" if score else "-",
        f"{provenance['parameters']:,}",
        f"{last['step']:,}",
        duration(last["seconds"]),
        _cell(provenance["text"]["name"]),
        _state(run),
    )


def _state(run: RunDirectory) -> str:
    if not is_finished(run):
        return _UNFINISHED
    failed = failed_parts(run)
    return f"finished, without {' and '.join(failed)}" if failed else "finished"


def _cell(text: object) -> str:
    """Return text from a file on one line, without control characters."""
    return escape_controls(" ".join(str(text).split()))
