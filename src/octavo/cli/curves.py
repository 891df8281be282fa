"""``octavo curves``: a short file, since `octavo.cli.parser` loads a command by its name, and no other with it."""

import argparse

from octavo.cli import arguments
from octavo.cli.output import say

_FILES = r"curves\.html|(steps|epochs|seconds)\.(png|svg)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    arguments.add_run(parser)
    arguments.add_output(parser, description="folder for the files (default: curves/ in the run's folder)")


def run(options: argparse.Namespace) -> int:
    """Draw the curves and print the paths of the files."""
    directory = arguments.run_of(options)
    output = arguments.output_of(options, directory, _FILES, "curves", needed=True)

    from octavo.pipeline.run import Run

    curves = Run(directory).curves()
    for path in output.write(curves.save):
        say(path)
    return 0
