"""``octavo curves``: a short file, since `octavo.cli.parser` loads a command by its name, and no other with it."""

import argparse

from octavo.cli.options import add_output_option, add_run_argument, add_runs_option, output_of, run_of
from octavo.cli.output import say

_FILES = r"curves\.html|(steps|epochs|seconds)\.(png|svg)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_run_argument(parser)
    add_output_option(parser, description="folder for the files (default: curves/ in the run's folder)")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Draw the curves and print the paths of the files."""
    directory = run_of(options)
    output = output_of(options, directory, _FILES, "curves", needed=True)

    from octavo.pipeline.run import Run

    curves = Run(directory).curves()
    for path in output.write(curves.save):
        say(path)
    return 0
