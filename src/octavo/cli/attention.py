"""``octavo attention``."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.config.inference import check_head, check_passage, max_attention_tokens

_FILES = r"attention(-layer-\d+(-head-\d+)?)?\.(html|png|svg)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    arguments.add_run_and_text(parser)
    for name in ("layer", "head"):
        letter = name[0].upper()
        description = f"draw only {name} {letter}, and show it first on the page; 0 is the first"
        arguments.add_number(parser, f"--{name}", letter, description)
    shown = "read only the first N tokens (default: 128, of the validation split 48)"
    arguments.add_number(parser, "--max-tokens", "N", shown)
    arguments.add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Write the page and the pictures, and print their paths."""
    directory = arguments.run_of(options)
    check_head(options.layer, options.head, directory.config.model)
    limit = max_attention_tokens(directory.config)
    check_passage(options.max_tokens, limit, directory.config)
    text = arguments.text_of(options)
    output = arguments.output_of(options, directory, _FILES, needed=True)

    from octavo.pipeline.run import Run
    from octavo.reports.figures.files import notes_of, save_figure

    view = Run(directory).attention(text, max_tokens=options.max_tokens, layer=options.layer, head=options.head)
    say(f"{directory.name} reads {view.of}")
    if options.max_tokens is None and not view.complete:
        arguments.hint_at_max_tokens(view.attention.passage, limit)
    if (step := view.named_tokens) > 1:
        remedy = "fewer --max-tokens" + (" or a single --head" if options.head is None else "")
        say(f"pictures name one of {step} tokens: to see more names ask for {remedy}")
    notes: dict[str, None] = {}  # each is printed once

    def files(folder: Path) -> Iterator[Path]:
        yield view.page.save(folder / "attention.html")
        for name, figure in view.figures().items():
            yield from save_figure(figure, folder / f"attention-{name}", ("png", "svg"))
            notes.update(dict.fromkeys(notes_of(figure)))

    for path in output.write(files):
        say(path)
    for note in notes:
        say(f"in the pictures {note}")
    return 0
