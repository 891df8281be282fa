"""``octavo surprise``."""

import argparse

from octavo.cli.options import add_output_option, add_passage_arguments, given_text, output_of
from octavo.cli.output import say
from octavo.cli.parser import add_runs_option
from octavo.runs import open_run, runs_root
from octavo.system.terminal import counted

_CHARACTERS = 1000  # of the run's own text: about what a terminal shows at once


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    add_passage_arguments(parser)
    parser.add_argument(
        "--max-characters",
        type=int,
        default=10_000,
        metavar="N",
        help="show the first N characters (10,000); the totals are of all that was read",
    )
    add_output_option(parser)
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Show the text, the totals and the worst surprises; write the page."""
    directory = open_run(options.run, runs_root(options.runs))
    text = given_text(options)
    output = output_of(options, directory, r"surprise\.html")

    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run

    opened = Run(directory)
    with make_progress(True) as progress:
        shown = opened.surprise(
            text or opened.validation_beginning(_CHARACTERS),
            max_characters=options.max_characters,
            watch=lambda share: progress.share("reading", share),
        )
    where = output.save(lambda folder: [shown.page.save(folder / "surprise.html")])

    from octavo.reports.terminal import surprise as surprise_text
    from octavo.reports.terminal.colours import in_colour, make_console

    console, surprise = make_console(), shown.surprise
    if in_colour(console):
        lines = surprise_text.coloured(surprise, console.width)
    else:
        lines = surprise_text.marked(surprise, console.width)
    for line in lines:
        console.print(line, soft_wrap=True)
    if surprise.omitted_characters:
        amount = counted(surprise.omitted_characters, "character is", "characters are")
        say(f"the other {amount} left out here; the totals are of all {len(surprise.text):,}")
    say("\n" + "\n".join(surprise_text.surprise_totals(surprise)), end="\n\n")
    if (worst := surprise_text.worst_tokens(surprise)).row_count:
        console.print(worst)
        say()
    say(where)
    return 0
