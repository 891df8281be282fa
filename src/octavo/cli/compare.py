"""``octavo compare``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.runs import RunDirectory, open_run, runs_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("run", nargs="+", metavar="RUN", help="names or folders of two or more runs")
    arguments.add_output(parser, "FILE", "the page (default: compare.html in the folder of the runs)")


def run(options: argparse.Namespace) -> int:
    """Make the page and print its path."""
    root = runs_root(options.runs)
    directories = [open_run(name, root) for name in options.run]
    output = arguments.output_path(options)
    if output:
        arguments.refuse_replacing(options, [output])

    from octavo.formats.output_paths import prepare_page_path
    from octavo.pipeline.run import Run
    from octavo.reports.compare import compare

    path = prepare_page_path(output or _default_path(directories, root))
    say(compare([Run(directory) for directory in directories]).save(path))
    return 0


def _default_path(directories: Sequence[RunDirectory], root: Path) -> Path:
    """Return the page's path in the folder that holds the runs: `root` for runs that were given by name."""
    from octavo.formats.output_paths import common_parent

    folder = common_parent([directory.path for directory in directories])
    return (root if folder == root.absolute() else folder) / "compare.html"
