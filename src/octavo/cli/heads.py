"""``octavo heads``."""

import argparse
import json
from pathlib import Path

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.config.inference import HEAD_WINDOWS, check_windows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    arguments.add_run_and_text(parser, "the full validation split")
    windows = f"read N context windows, spread evenly over the text (default: {HEAD_WINDOWS})"
    arguments.add_number(parser, "--windows", "N", windows, default=HEAD_WINDOWS)
    arguments.add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Measure the heads, print the table, and write it as JSON, page and picture."""
    directory = arguments.run_of(options)
    check_windows(options.windows)
    text = arguments.text_of(options)
    output = arguments.output_of(options, directory, r"heads\.(json|html|png|svg)")

    from octavo.formats.files import write_atomically
    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run
    from octavo.reports.figures.files import save_figure
    from octavo.reports.terminal.heads import head_lines

    with make_progress(True) as progress:
        view = Run(directory).heads(
            text, windows=options.windows, watch=lambda fraction: progress.phase("ablating heads", fraction)
        )

    def write(folder: Path) -> list[Path]:
        json_path = folder / "heads.json"
        write_atomically(json_path, json.dumps(view.table.to_dict(), indent=1).encode())
        page = view.page.save(folder / "heads.html")
        return [json_path, page, *save_figure(view.figure(), folder / "heads", ("png", "svg"))]

    message = output.save(write)
    say("\n".join(head_lines(view.table)), end="\n\n")
    say(message)
    return 0
