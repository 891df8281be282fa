"""``octavo report``."""

import argparse

from octavo.cli.options import add_output_option, output_path, refuse_replacing
from octavo.cli.output import say
from octavo.cli.parser import add_runs_option
from octavo.runs import open_run, runs_root

FORMATS = ("html", "md")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    parser.add_argument(
        "--format", choices=FORMATS, default="html", help="one page, or a folder of Markdown and pictures (html)"
    )
    add_output_option(parser, "PATH", "the page, or the folder (default: report.html or report in the run's folder)")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Make the page, and say where it is."""
    directory = open_run(options.run, runs_root(options.runs))
    output = output_path(options)
    markdown = options.format == "md"
    if output is not None:
        refuse_replacing(
            options, sorted([*output.glob("report.md"), *output.glob("*.png")]) if markdown else [output]
        )

    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run
    from octavo.reports.report import save_report

    with make_progress(True) as progress:
        path = save_report(Run(directory), output, markdown=markdown, note=progress.note)
    say(path)
    return 0
