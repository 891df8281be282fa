"""``octavo compare``."""

import argparse
from pathlib import Path

from octavo.cli.parser import add_runs_option
from octavo.runs import open_run, runs_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", nargs="+", metavar="RUN", help="names or folders of two runs or more")
    parser.add_argument("--output", metavar="FILE", help="the page (default: compare.html in the folder of the runs)")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Make the page, and say where it is."""
    root = runs_root(options.runs)
    directories = [open_run(name, root) for name in options.run]

    from octavo.reports.compare import compare
    from octavo.run import Run

    page = compare([Run(directory) for directory in directories])
    path = Path(options.output) if options.output else root / "compare.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    print(page.save(path))
    return 0
