"""``octavo lens``."""

import argparse

from octavo.cli.options import add_output_option, add_passage_arguments, given_text, output_of, say_how_to_read_more
from octavo.cli.output import say
from octavo.cli.parser import add_runs_option
from octavo.config.inference import check_passage, max_lens_tokens
from octavo.runs import open_run, runs_root

_CHARACTERS = 100  # of the run's own text: about what a terminal shows at once


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    add_passage_arguments(parser)
    parser.add_argument("--max-tokens", type=int, metavar="N", help="only the first N tokens (128)")
    add_output_option(parser)
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Show the table and what each layer would score; write the page."""
    directory = open_run(options.run, runs_root(options.runs))
    if options.max_tokens is not None:
        check_passage(options.max_tokens, max_lens_tokens(directory.config), directory.config)
    text = given_text(options)
    output = output_of(options, directory, r"lens\.html")

    from octavo.pipeline.run import Run

    opened = Run(directory)
    shown = opened.lens(text or opened.validation_beginning(_CHARACTERS), max_tokens=options.max_tokens)
    where = output.save(lambda folder: [shown.page.save(folder / "lens.html")])

    from octavo.reports.terminal import lens as lens_table
    from octavo.reports.terminal.colours import in_colour, make_console

    console, lens = make_console(), shown.lens
    say(f"{directory.name} reads {shown.of}")
    if options.max_tokens is None and not shown.whole:
        say_how_to_read_more(lens.passage, max_lens_tokens(directory.config))
    say("\n".join(lens_table.explanations(lens, console.width)), end="\n\n")
    if in_colour(console):
        console.print(lens_table.LEGEND)
    console.print(lens_table.lens_table(lens, console.width))
    say("\n" + "\n".join(lens_table.losses(lens)), end="\n\n")
    say(where)
    return 0
