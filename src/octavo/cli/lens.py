"""``octavo lens``."""

import argparse

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.config.inference import check_passage, max_lens_tokens

_CHARACTERS = 100  # of the validation split: about a screen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    arguments.add_run_and_text(parser)
    arguments.add_number(parser, "--max-tokens", "N", "read only the first N tokens (default: 128)")
    arguments.add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Print the table of predictions and the loss at each layer; write the page."""
    directory = arguments.run_of(options)
    limit = max_lens_tokens(directory.config)
    check_passage(options.max_tokens, limit, directory.config)
    text = arguments.text_of(options)
    output = arguments.output_of(options, directory, r"lens\.html")

    from octavo.pipeline.run import Run

    opened = Run(directory)
    view = opened.lens(text or opened.validation_beginning(_CHARACTERS), max_tokens=options.max_tokens)
    message = output.save(lambda folder: [view.page.save(folder / "lens.html")])

    from octavo.reports.terminal import lens as terminal
    from octavo.reports.terminal.colours import in_colour, make_console

    console, lens = make_console(), view.lens
    say(f"{directory.name} reads {view.of}")
    if options.max_tokens is None and not view.complete:
        arguments.hint_at_max_tokens(lens.passage, limit)
    say("\n".join(terminal.explanations(lens, console.width)), end="\n\n")
    if in_colour(console):
        console.print(terminal.LEGEND)
    console.print(terminal.lens_table(lens, console.width))
    say("\n" + "\n".join(terminal.layer_loss_lines(lens)), end="\n\n")
    say(message)
    return 0
