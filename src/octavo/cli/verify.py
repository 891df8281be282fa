"""``octavo verify``."""

import argparse
import json
import sys
from dataclasses import asdict

from octavo.cli.output import drop_output, say
from octavo.errors import OctavoError
from octavo.runs import find_run, runs_root
from octavo.system.terminal import name_first


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = "Exit code 0 if every check passes, otherwise 2."
    parser.add_argument("run", nargs="+", metavar="RUN", help="names or folders of runs")
    parser.add_argument("--full", action="store_true", help="also score the model again and compare the score")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print a line for each check and, of several runs, a line for each run at the end.

    Raises:
        OctavoError: a check failed. That is so even where the reader of the lines has closed the pipe.
    """
    root = runs_root(options.runs)
    directories = [find_run(name, root) for name in options.run]  # an unknown name is refused before the work

    from octavo.pipeline.verify import verify

    failures: list[tuple[str, int]] = []
    values = []
    for directory in directories:
        if len(directories) > 1 and not options.json:
            _print(f"{directory.path}:")
        checks = []
        for check in verify(directory, full=options.full):
            checks.append(check)
            if not options.json:
                result = f"FAILED: {check.wrong}" if check.wrong else f"ok ({check.note})" if check.note else "ok"
                _print(f"{check.what:<26} {result}")
        failures.append((str(directory.path), sum(bool(check.wrong) for check in checks)))
        values.append({"run": str(directory.path), "ok": not failures[-1][1], "checks": [asdict(c) for c in checks]})
    if options.json:
        _print(json.dumps(values, indent=1))
    elif len(failures) > 1:
        _print("")
        for path, count in failures:
            _print(f"{path}: {f'{count} of its checks failed' if count else 'ok'}")
    if damaged := [path for path, count in failures if count]:
        raise OctavoError(f"verification failed for {name_first(damaged)}: see the lines above")
    return 0


def _print(line: str) -> None:
    try:
        say(line)
        sys.stdout.flush()
    except BrokenPipeError:  # octavo verify … | head: the exit code still has to tell of a failed check
        drop_output()
