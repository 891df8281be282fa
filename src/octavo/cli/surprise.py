"""``octavo surprise``."""

import argparse

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.system.terminal import quantity

_CHARACTERS = 1000  # of the validation split: about a screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    arguments.add_run_and_text(parser)
    shown = "show only the first N characters; the totals are of the full text (default: 10000)"
    arguments.add_number(parser, "--max-characters", "N", shown, default=10_000)
    arguments.add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Print the text with its surprisal, the totals and the most surprising tokens; write the page."""
    directory = arguments.run_of(options)
    text = arguments.text_of(options)
    output = arguments.output_of(options, directory, r"surprise\.html")

    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run

    opened = Run(directory)
    with make_progress(True) as progress:
        view = opened.surprise(
            text or opened.validation_beginning(_CHARACTERS),
            max_characters=options.max_characters,
            watch=lambda fraction: progress.phase("reading", fraction),
        )
    message = output.save(lambda folder: [view.page.save(folder / "surprise.html")])

    from octavo.reports.terminal import surprise as terminal
    from octavo.reports.terminal.colours import in_colour, make_console

    console, surprise = make_console(), view.surprise
    print_lines = terminal.coloured if in_colour(console) else terminal.marked
    for line in print_lines(surprise, console.width):
        console.print(line, soft_wrap=True)
    if surprise.omitted_characters:
        amount = quantity(surprise.omitted_characters, "character is", "characters are")
        say(f"the other {amount} left out here; the totals are of all {len(surprise.text):,}")
    say("\n" + "\n".join(terminal.surprise_totals(surprise)), end="\n\n")
    if (worst := terminal.worst_tokens(surprise)).row_count:
        console.print(worst)
        say()
    say(message)
    return 0
