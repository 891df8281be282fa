"""``octavo heads``."""

import argparse
import json
from pathlib import Path

from octavo.cli.options import add_output_option, add_passage_arguments, given_text, output_of
from octavo.cli.output import say
from octavo.cli.parser import add_runs_option
from octavo.config.inference import WINDOWS, check_windows
from octavo.runs import open_run, runs_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    add_passage_arguments(parser, "all of the run's held-out text")
    parser.add_argument(
        "--windows",
        type=int,
        default=WINDOWS,
        metavar="N",
        help=f"how many windows of the text to read, spread evenly over it ({WINDOWS})",
    )
    add_output_option(parser)
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Measure, show the table, write it as JSON, page and picture."""
    directory = open_run(options.run, runs_root(options.runs))
    check_windows(options.windows)
    text = given_text(options)
    output = output_of(options, directory, r"heads\.(json|html|png|svg)")

    from octavo.formats.files import write_atomically
    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run
    from octavo.reports.figures.files import save_figure
    from octavo.reports.terminal import heads as heads_table

    with make_progress(True) as progress:
        shown = Run(directory).heads(
            text, windows=options.windows, watch=lambda fraction: progress.phase("removing heads", fraction)
        )

    def write(folder: Path) -> list[Path]:
        figures = folder / "heads.json"
        write_atomically(figures, json.dumps(shown.table.to_dict(), indent=1).encode())
        page = shown.page.save(folder / "heads.html")
        return [figures, page, *save_figure(shown.figure(), folder / "heads", ("png", "svg"))]

    where = output.save(write)
    say("\n".join(heads_table.head_lines(shown.table)), end="\n\n")
    say(where)
    return 0
