"""``octavo curves``."""

import argparse

from octavo.cli.parser import add_runs_option
from octavo.cli.saying import say
from octavo.runs import open_run, runs_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Draw, and say where."""
    directory = open_run(options.run, runs_root(options.runs))

    from octavo.run import Run

    for path in Run(directory).curves().save(directory.path / "curves"):
        say(path)
    return 0
