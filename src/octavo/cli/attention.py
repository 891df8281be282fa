"""``octavo attention``."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from octavo.cli.options import add_output_option, add_passage_arguments, given_text, output_of, say_how_to_read_more
from octavo.cli.output import say
from octavo.cli.parser import add_runs_option
from octavo.config.inference import check_head, check_passage, max_attention_tokens
from octavo.runs import open_run, runs_root

_FILES = r"attention(-layer-\d+(-head-\d+)?)?\.(html|png|svg)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    add_passage_arguments(parser)
    parser.add_argument("--layer", type=int, metavar="L", help="draw this layer alone, and begin the page with it")
    parser.add_argument("--head", type=int, metavar="H", help="the same for a head; layers and heads begin at 0")
    parser.add_argument(
        "--max-tokens", type=int, metavar="N", help="only the first N tokens (128; of held-out text 48)"
    )
    add_output_option(parser)
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Write the page and the pictures, and say where."""
    directory = open_run(options.run, runs_root(options.runs))
    check_head(options.layer, options.head, directory.config.model)
    if options.max_tokens is not None:
        check_passage(options.max_tokens, max_attention_tokens(directory.config), directory.config)
    text = given_text(options)
    output = output_of(options, directory, _FILES, needed=True)

    from octavo.pipeline.run import Run
    from octavo.reports.figures.files import notes_of, save_figure

    shown = Run(directory).attention(text, max_tokens=options.max_tokens, layer=options.layer, head=options.head)
    say(f"{directory.name} reads {shown.of}")
    if options.max_tokens is None and not shown.whole:
        say_how_to_read_more(shown.attention.passage, max_attention_tokens(directory.config))
    if (step := shown.named_tokens) > 1:
        fewer = "fewer --max-tokens" + (" or a single --head" if options.head is None else "")
        say(f"pictures name one of {step} tokens: for more names ask for {fewer}")
    notes: dict[str, None] = {}  # each is said once

    def files(folder: Path) -> Iterator[Path]:
        yield shown.page.save(folder / "attention.html")
        for name, figure in shown.figures().items():
            yield from save_figure(figure, folder / f"attention-{name}", ("png", "svg"))
            notes.update(dict.fromkeys(notes_of(figure)))

    for path in output.write(files):
        say(path)
    for note in notes:
        say(f"in the pictures {note}")
    return 0
