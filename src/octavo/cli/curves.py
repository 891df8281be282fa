"""``octavo curves``."""

import argparse

from octavo.cli.options import add_output_option, output_of
from octavo.cli.output import say
from octavo.cli.parser import add_runs_option
from octavo.runs import open_run, runs_root

_FILES = r"curves\.html|(steps|epochs|seconds)\.(png|svg)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    add_output_option(parser, says="folder for the files (default: curves in the run's folder)")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Draw, and say where."""
    directory = open_run(options.run, runs_root(options.runs))
    output = output_of(options, directory, _FILES, "curves", needed=True)

    from octavo.pipeline.run import Run

    curves = Run(directory).curves()
    for path in output.write(curves.save):
        say(path)
    return 0
