"""``octavo generate``."""

import argparse
import io
import sys

from octavo.cli.options import add_reading_options, hint_at_escapes, read_text
from octavo.cli.parser import add_runs_option, as_text
from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.runs import open_run, runs_root
from octavo.system.terminal import shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    usual = SamplingConfig()
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    parser.add_argument("prompt", nargs="?", type=as_text, metavar="PROMPT", help="text to continue; - reads it")
    for name, kind, metavar, says in (
        ("max-new-tokens", int, "N", "tokens to write"),
        ("temperature", float, "T", "0 takes the likeliest token, 1 the model's own odds"),
        ("top-k", int, "K", "only the K likeliest tokens; 0: all"),
        ("top-p", float, "P", "only the likeliest tokens that reach P together"),
        ("min-p", float, "P", "only tokens at least P times as likely as the likeliest"),
        ("seed", int, "S", "the same seed writes the same text"),
    ):
        default = getattr(usual, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=kind, default=default, metavar=metavar, help=f"{says} ({default})")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="texts to write, side by side (1)")
    parser.add_argument(
        "--stop",
        action="append",
        type=as_text,
        default=[],
        metavar="TEXT",
        help="end before this text; may be repeated",
    )
    add_reading_options(parser)
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Stream one text, or write several one after the other."""
    if not 1 <= options.count <= 10_000:
        raise OctavoError(f"--count {options.count} is out of range: 1 to 10000")
    names = ("temperature", "top_k", "top_p", "min_p", "max_new_tokens", "seed")
    sampling = {name: getattr(options, name) for name in names}
    chosen = SamplingConfig(**sampling)  # what cannot be shows before anything is loaded
    if "" in options.stop:
        raise OctavoError("a --stop text is empty, so nothing could be generated: give some characters")
    directory = open_run(options.run, runs_root(options.runs))
    prompt = read_text(options, options.prompt) or ""
    for text in options.stop:
        hint_at_escapes(text)

    from octavo.generate.generate import complete_texts_from, generate_from
    from octavo.generate.prompts import with_training_line_ends

    (prompt,) = with_training_line_ends(directory, [prompt])
    visible = shown if sys.stdout is not None and sys.stdout.isatty() else str
    if visible is str and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(newline="")  # the very text; Windows would make two characters of each "\n"
    if options.count == 1:
        rows = generate_from(directory, [prompt], sampling=chosen, stop=options.stop)
        first = next(rows)  # what is wrong with the run shows before the prompt does
        print(visible(prompt + first[0]), end="", flush=True)
        for row in rows:
            print(visible(row[0]), end="", flush=True)
        print()
        return 0
    texts = complete_texts_from(directory, [prompt] * options.count, sampling=chosen, stop=options.stop)
    for number, text in enumerate(texts, 1):
        print(f"--- {number} of {options.count} ---\n{visible(prompt + text)}", flush=True)
    return 0
