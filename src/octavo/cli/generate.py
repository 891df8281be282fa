"""``octavo generate``."""

import argparse
import io
import sys
from dataclasses import fields

from octavo.cli import arguments
from octavo.cli.parser import utf8_text
from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.system.terminal import escape_controls

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
    arguments.add_number(parser, "--count", "N", "generate N texts (default: 1)", default=1)
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
    """Stream one text, or print several texts one after the other."""
    if not 1 <= options.count <= _MAX_COUNT:
        raise OctavoError(f"--count {options.count} is out of range: 1 to {_MAX_COUNT}")
    # A value out of range is refused before anything is loaded.
    sampling = SamplingConfig(**{field.name: getattr(options, field.name) for field in fields(SamplingConfig)})
    if "" in options.stop:
        raise OctavoError("a --stop text is empty, so nothing could be generated: give some characters")
    directory = arguments.run_of(options)
    prompt = arguments.read_text(options.prompt, options.file, options.encoding) or ""
    for text in options.stop:
        arguments.hint_at_escapes(text)

    from octavo.generate.generate import complete_texts_from, generate_from
    from octavo.generate.prompts import with_training_line_ends

    (prompt,) = with_training_line_ends(directory, [prompt])
    visible = escape_controls if sys.stdout is not None and sys.stdout.isatty() else str
    if visible is str and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(newline="")  # the exact text; Windows would make two characters of each "\n"
    if options.count == 1:
        rows = generate_from(directory, [prompt], sampling=sampling, stop=options.stop)
        first = next(rows)  # an error of the run comes before the prompt is printed
        print(visible(prompt + first[0]), end="", flush=True)
        for row in rows:
            print(visible(row[0]), end="", flush=True)
        print()
        return 0
    texts = complete_texts_from(directory, [prompt] * options.count, sampling=sampling, stop=options.stop)
    for number, text in enumerate(texts, 1):
        print(f"--- {number} of {options.count} ---\n{visible(prompt + text)}", flush=True)
    return 0
