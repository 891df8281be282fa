"""``octavo playground``."""

import argparse

from octavo.cli import arguments
from octavo.cli.output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    arguments.add_run(parser)
    arguments.add_output(parser, "FILE", "the page (default: playground.html in the run's folder)")


def run(options: argparse.Namespace) -> int:
    """Make the page, and print its path."""
    directory = arguments.run_of(options)
    output = arguments.output_path(options)
    if output is not None:
        arguments.refuse_replacing(options, [output])

    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run
    from octavo.reports.playground import save_playground

    with make_progress(True) as progress:
        path = save_playground(
            Run(directory), output, watch=lambda fraction: progress.phase("scoring the page's copy", fraction)
        )
    say(path)
    return 0
