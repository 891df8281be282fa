"""``octavo verify``."""

import argparse
import json
from dataclasses import asdict

from octavo.cli.parser import add_runs_option
from octavo.cli.saying import say
from octavo.errors import OctavoError
from octavo.runs import find_run, runs_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", nargs="+", metavar="RUN", help="names or folders of runs")
    parser.add_argument("--full", action="store_true", help="also score the run anew, and compare")
    parser.add_argument("--json", action="store_true", help="for a machine")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Look at every run, one line a thing and, of several runs, one line a run at the end."""
    root = runs_root(options.runs)
    directories = [find_run(name, root) for name in options.run]  # a name that is none shows before the work

    from octavo.verification import verify

    sums: list[tuple[str, int]] = []
    found = []
    for directory in directories:
        if len(directories) > 1 and not options.json:
            say(f"{directory.path}:")
        checks = []
        for check in verify(directory, full=options.full):
            checks.append(check)
            if not options.json:
                says = f"WRONG: {check.wrong}" if check.wrong else f"ok ({check.note})" if check.note else "ok"
                say(f"{check.what:<26} {says}")
        sums.append((str(directory.path), sum(bool(check.wrong) for check in checks)))
        found.append({"run": str(directory.path), "ok": not sums[-1][1], "checks": [asdict(c) for c in checks]})
    if options.json:
        say(json.dumps(found, indent=1))
    elif len(sums) > 1:
        say()
        for path, wrong in sums:
            say(f"{path}: {f'{wrong} of its parts are wrong' if wrong else 'ok'}")
    if wrong_runs := [path for path, wrong in sums if wrong]:
        listed = ", ".join(wrong_runs[:3]) + (f" and {len(wrong_runs) - 3} more" if len(wrong_runs) > 3 else "")
        raise OctavoError(f"something is wrong with {listed}: the lines above say what")
    return 0
