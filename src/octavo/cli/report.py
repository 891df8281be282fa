"""``octavo report``: a short file, since `octavo.cli.parser` loads a command by its name, and no other with it."""

import argparse

from octavo.cli.options import (
    add_output_option,
    add_run_argument,
    add_runs_option,
    output_path,
    refuse_replacing,
    run_of,
)
from octavo.cli.output import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_run_argument(parser)
    parser.add_argument(
        "--format",
        choices=("html", "md"),
        default="html",
        help="html: one page; md: a folder of Markdown and pictures (default: html)",
    )
    add_output_option(parser, "PATH", "the page or the folder (default: report.html or report/ in the run's folder)")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Make the page or the folder, and print its path."""
    directory = run_of(options)
    output = output_path(options)
    markdown = options.format == "md"
    if output is not None:
        earlier = sorted([*output.glob("report.md"), *output.glob("*.png")]) if markdown else [output]
        refuse_replacing(options, earlier)

    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run
    from octavo.reports.report import save_report

    with make_progress(True) as progress:
        path = save_report(Run(directory), output, markdown=markdown, note=progress.note)
    say(path)
    return 0
