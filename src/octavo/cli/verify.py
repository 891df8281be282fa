"""``octavo verify``."""

import argparse
import json
import sys
from dataclasses import asdict

from octavo.cli.output import drop_output, say
from octavo.cli.parser import add_runs_option
from octavo.errors import OctavoError
from octavo.runs import find_run, runs_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", nargs="+", metavar="RUN", help="names or folders of runs")
    parser.add_argument("--full", action="store_true", help="also score the run anew, and compare")
    parser.add_argument("--json", action="store_true", help="for a machine")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Look at every run, one line a thing and, of several runs, one line a run at the end; 2 if anything is wrong,
    also where the reader of the lines has seen enough before."""
    root = runs_root(options.runs)
    directories = [find_run(name, root) for name in options.run]  # a name that is none shows before the work

    from octavo.pipeline.verify import verify

    sums: list[tuple[str, int]] = []
    found = []
    for directory in directories:
        if len(directories) > 1 and not options.json:
            _tell(f"{directory.path}:")
        checks = []
        for check in verify(directory, full=options.full):
            checks.append(check)
            if not options.json:
                says = f"WRONG: {check.wrong}" if check.wrong else f"ok ({check.note})" if check.note else "ok"
                _tell(f"{check.what:<26} {says}")
        sums.append((str(directory.path), sum(bool(check.wrong) for check in checks)))
        found.append({"run": str(directory.path), "ok": not sums[-1][1], "checks": [asdict(c) for c in checks]})
    if options.json:
        _tell(json.dumps(found, indent=1))
    elif len(sums) > 1:
        _tell("")
        for path, wrong in sums:
            are = "is" if wrong == 1 else "are"
            _tell(f"{path}: {f'{wrong} of its parts {are} wrong' if wrong else 'ok'}")
    if wrong_runs := [path for path, wrong in sums if wrong]:
        listed = ", ".join(wrong_runs[:3]) + (f" and {len(wrong_runs) - 3} more" if len(wrong_runs) > 3 else "")
        raise OctavoError(f"something is wrong with {listed}: the lines above say what")
    return 0


def _tell(line: str) -> None:
    try:
        say(line)
        sys.stdout.flush()
    except BrokenPipeError:  # octavo verify … | head: what is wrong is wrong all the same
        drop_output()
