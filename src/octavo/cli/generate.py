"""``octavo generate``."""

import argparse
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.cli.parser import utf8_text
from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError, reason
from octavo.runs import RunDirectory
from octavo.system.terminal import escape_controls, quantity

_MAX_COUNT = 10_000


def temperatures(words: str) -> list[float]:
    """Return one number, or several with commas between them.

    Raises:
        ValueError: a part of it is not a number.
    """
    return [float(one) for one in words.split(",")]


_SAMPLING = (
    ("max-new-tokens", int, "N", "stop after N tokens"),
    ("temperature", temperatures, "T", "0 = greedy; 1 = the model's distribution; several: 0.5,0.8,1"),
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
    parser.add_argument(
        "--prompt",
        action="append",
        type=utf8_text,
        default=[],
        dest="prompts",
        metavar="PROMPT",
        help="the same; may be repeated: each text then names its prompt and settings, and all are saved in "
        "samples.json in the run, which its report shows (default: none)",
    )
    for name, kind, metavar, description in _SAMPLING:
        default = getattr(defaults, name.replace("-", "_"))
        description += f" (default: {default})"
        default = [default] if kind is temperatures else default
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
    samplings = _samplings(options)  # a value out of range is refused before anything is loaded
    sampling = samplings[0]
    several = len(samplings) > 1 or len(options.prompts) > 1
    if options.prompts and (options.prompt is not None or options.file is not None):
        raise OctavoError("--prompt goes without PROMPT and --file: leave one of them out")
    if several and options.only_new:
        raise OctavoError("--only-new goes with one prompt and one temperature: leave it out")
    if "" in options.stop:
        raise OctavoError("a --stop text is empty, so nothing could be generated: give some characters")
    directory = arguments.run_of(options)
    prompts = [
        arguments.read_text(one, options.file, options.encoding, name="PROMPT") or ""
        for one in options.prompts or [options.prompt]
    ]
    for text in options.stop:
        arguments.hint_at_escapes(text)
    if several:
        return _print_samples(directory, prompts, samplings, options)
    prompt = prompts[0]

    from octavo.corpus.lines import has_line_end
    from octavo.generate.documents import TRIES, has_line_documents
    from octavo.generate.generate import complete_texts_from, generate_from, new_texts_from
    from octavo.generate.prompts import with_training_line_ends

    (prompt,) = with_training_line_ends(directory, [prompt])
    visible = _shown_text()
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


def _shown_text() -> Callable[[str], str]:
    """Return how a text is printed: as it is, but on a terminal without its control characters."""
    if sys.stdout is not None and sys.stdout.isatty():
        return escape_controls
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(newline="")  # Windows would make two characters of each "\n"
    return str


def _samplings(options: argparse.Namespace) -> list[SamplingConfig]:
    """Return the settings of sampling for each temperature."""
    settings = {field.name: getattr(options, field.name) for field in fields(SamplingConfig)}
    return [SamplingConfig(**settings | {"temperature": one}) for one in dict.fromkeys(options.temperature)]


def _print_samples(
    directory: RunDirectory, prompts: list[str], samplings: list[SamplingConfig], options: argparse.Namespace
) -> int:
    """Print samples for several prompts or temperatures, each below its settings, and save them in the run."""
    from octavo.generate.generate import completer_from
    from octavo.generate.prompts import with_training_line_ends
    from octavo.generate.samples import make_samples, save_samples

    prompts = list(dict.fromkeys(with_training_line_ends(directory, prompts)))
    complete = completer_from(directory, prompts, stop=options.stop)
    visible, samples = _shown_text(), []
    for sample in make_samples(complete, prompts, samplings, count=options.count, stop=options.stop):
        print(f"--- {escape_controls(sample.describe())} ---\n{visible(sample.prompt + sample.text)}\n", flush=True)
        samples.append(sample)
    try:
        say(f"octavo: saved in {save_samples(directory.path, samples)}, which octavo report shows", file=sys.stderr)
    except OSError as error:
        say(f"octavo: the samples are not saved in the run ({reason(error)})", file=sys.stderr)
    return 0
