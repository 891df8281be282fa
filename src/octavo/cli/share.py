"""``octavo share``."""

import argparse

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.errors import OctavoError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = (
        "The unpacked folder is a run: generate works, evaluate, surprise, attention, lens, heads and edit work with "
        "a text that is given, and train --from fine-tunes it."
    )
    arguments.add_run(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="the zip file (default: NAME.zip in this folder)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")


def run(options: argparse.Namespace) -> int:
    """Write the zip; print its path, what is in it and what is not."""
    directory = arguments.run_of(options)
    output = arguments.output_path(options)
    if output is not None and output.is_dir():
        raise OctavoError(f"{output} is a folder: name a file, such as {output / f'{directory.name}.zip'}")

    from octavo.pipeline.share import share_run
    from octavo.runs.saved_run import SavedRun

    shared = share_run(SavedRun(directory), output, overwrite=options.overwrite)
    say("\n".join([f"written to {shared.path}", *shared.lines()]))
    return 0
