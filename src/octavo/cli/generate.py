"""``octavo generate``."""

import argparse
import io
import sys
from collections.abc import Iterator
from dataclasses import fields

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.cli.parser import utf8_text
from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.system.terminal import escape_controls, quantity

_MAX_COUNT = 10_000
_SAMPLING = (
    ("max-new-tokens", int, "N", "stop after N tokens"),
    ("temperature", float, "T", "0 = greedy; 1 = the model's distribution"),
    ("top-k", int, "K", "sample from the K most probable tokens; 0 = all"),
    ("top-p", float, "P", "sample from the most probable tokens that reach probability P; 1 = all"),
    ("min-p", float, "P", "sample from tokens at least P times as probable as the first; 0 = all"),
    ("seed", int, "S", "the same seed generates the same text"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    defaults = SamplingConfig()
    arguments.add_run(parser)
    parser.add_argument(
        "prompt",
        nargs="?",
        type=utf8_text,
        metavar="PROMPT",
        help="text to continue, or - for standard input (default: none)",
    )
    for name, kind, metavar, description in _SAMPLING:
        default = getattr(defaults, name.replace("-", "_"))
        description += f" (default: {default})"
        arguments.add_number(parser, f"--{name}", metavar, description, kind=kind, default=default)
    count = "generate N texts; those of a run on lines or records are whole documents (default: 1)"
    arguments.add_number(parser, "--count", "N", count, default=1)
    parser.add_argument(
        "--only-new", action="store_true", help="leave out texts that the run's own text contains, and repetitions"
    )
    parser.add_argument(
        "--stop",
        action="append",
        type=utf8_text,
        default=[],
        metavar="TEXT",
        help="stop before this text (default: none); may be repeated",
    )
    arguments.add_reading_options(parser)


def run(options: argparse.Namespace) -> int:
    """Stream one text, or print several texts one after the other; documents without line ends are a line each."""
    if not 1 <= options.count <= _MAX_COUNT:
        raise OctavoError(f"--count {options.count} is out of range: 1 to {_MAX_COUNT}")
    # A value out of range is refused before anything is loaded.
    sampling = SamplingConfig(**{field.name: getattr(options, field.name) for field in fields(SamplingConfig)})
    if "" in options.stop:
        raise OctavoError("a --stop text is empty, so nothing could be generated: give some characters")
    directory = arguments.run_of(options)
    prompt = arguments.read_text(options.prompt, options.file, options.encoding, name="PROMPT") or ""
    for text in options.stop:
        arguments.hint_at_escapes(text)

    from octavo.corpus.lines import has_line_end
    from octavo.generate.documents import TRIES, has_line_documents
    from octavo.generate.generate import complete_texts_from, generate_from, new_texts_from
    from octavo.generate.prompts import with_training_line_ends

    (prompt,) = with_training_line_ends(directory, [prompt])
    visible = escape_controls if sys.stdout is not None and sys.stdout.isatty() else str
    if visible is str and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(newline="")  # the exact text; Windows would make two characters of each "\n"
    a_line_each = not has_line_end(prompt) and has_line_documents(directory)
    texts: Iterator[str]
    if options.only_new:
        texts = new_texts_from(directory, prompt, options.count, sampling=sampling, stop=options.stop)
    elif options.count > 1:
        completed = complete_texts_from(directory, [prompt] * options.count, sampling=sampling, stop=options.stop)
        texts = (prompt + text for text in completed)
    else:
        rows = generate_from(directory, [prompt], sampling=sampling, stop=options.stop)
        first = next(rows)  # an error of the run comes before the prompt is printed
        print(visible(prompt + first[0]), end="", flush=True)
        for row in rows:
            print(visible(row[0]), end="", flush=True)
        print()
        return 0
    number = 0
    for number, text in enumerate(texts, 1):
        rule = "" if a_line_each or options.count == 1 else f"--- {number} of {options.count} ---\n"
        print(f"{rule}{visible(text)}", flush=True)
    if number < options.count:
        tried = quantity(TRIES * options.count, "text")
        say(f"octavo: only {number} of {tried} were new: try a higher --temperature", file=sys.stderr)
    return 0
