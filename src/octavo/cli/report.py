"""``octavo report``."""

import argparse
from pathlib import Path

from octavo.cli.parser import add_runs_option
from octavo.runs import open_run, runs_root

FORMATS = ("html", "md")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    parser.add_argument(
        "--format", choices=FORMATS, default="html", help="one page, or a folder of Markdown and pictures (html)"
    )
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="the page, or the folder (default: report.html or report in the run's folder)",
    )
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Make the page, and say where it is."""
    directory = open_run(options.run, runs_root(options.runs))

    from octavo.progress import make_progress
    from octavo.reports.report import save_report
    from octavo.run import Run

    output = None if options.output is None else Path(options.output)
    with make_progress(True) as progress:
        path = save_report(Run(directory), output, markdown=options.format == "md", note=progress.note)
    print(path)
    return 0
