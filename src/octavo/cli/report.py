"""``octavo report``: a short file, since `octavo.cli.parser` loads a command by its name, and no other with it."""

import argparse

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.errors import OctavoError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    arguments.add_run(parser)
    parser.add_argument(
        "--format",
        choices=("html", "md"),
        default="html",
        help="html: one page; md: a folder of Markdown and pictures (default: html)",
    )
    parser.add_argument(
        "--no-model", action="store_true", help="leave the model out of the page, which is then smaller (with html)"
    )
    arguments.add_output(
        parser, "PATH", "the page or the folder (default: report.html or report/ in the run's folder)"
    )


def run(options: argparse.Namespace) -> int:
    """Make the page or the folder, and print its path."""
    directory = arguments.run_of(options)
    output = arguments.output_path(options)
    markdown = options.format == "md"
    if markdown and options.no_model:
        raise OctavoError("--no-model is for --format html, and Markdown never contains the model: leave it out")
    if output is not None:
        earlier = sorted([*output.glob("report.md"), *output.glob("*.png")]) if markdown else [output]
        arguments.refuse_replacing(options, earlier)

    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run
    from octavo.reports.report import save_report

    with make_progress(True) as progress:
        path = save_report(
            Run(directory),
            output,
            markdown=markdown,
            model=not options.no_model,
            note=progress.note,
            watch=progress.phase,
        )
    say(path)
    return 0
