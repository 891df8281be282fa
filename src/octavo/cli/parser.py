"""The parser of all commands. Nothing heavy is imported until a command runs."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from octavo.errors import OctavoError
from octavo.terminal import readable

COMMANDS = {
    "train": "train a model on a text, score it, draw its curves, write samples",
    "generate": "continue a prompt",
    "evaluate": "score a run on held-out text",
    "surprise": "show how much each character of a text surprises a model",
    "lens": "show what each layer of a model would already predict",
    "edit": "change something inside a model and see what comes of it",
    "curves": "draw how training went",
    "report": "show a whole run on one page",
    "compare": "show several runs on one page",
    "attention": "show where each head of a model looks",
    "heads": "measure what each head of a model looks at, and what it is worth",
    "reproduce": "run a course report's experiment again and set its figures beside the report's",
    "tokenizer": "show how a run's tokenizer cuts a text",
    "experiment": "train variants with several seeds and compare them",
    "bench": "measure how fast Octavo is on this machine, side by side",
    "doctor": "look whether Octavo can work on this machine, and how fast",
    "runs": "list the runs and their scores",
    "verify": "check that a run is whole, and say what is not",
    "presets": "list the presets",
}
_SETTING = re.compile(r"--[a-z_]+\.[a-z_]+=.*", re.DOTALL)


class _Wide(argparse.HelpFormatter):
    """Help beside the longest option, not below it."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 32, **options})


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line in one sentence."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Wide, **options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the help is; exit code 2."""
        raise OctavoError(f"{message} ({self.prog} --help says more)")


def make_parser() -> Parser:
    """The parser of everything but a command's own options: it lists the commands."""
    from octavo import __version__

    parser = Parser(
        prog="octavo",
        description="A pocket laboratory for tiny Transformer language models.",
        epilog="octavo COMMAND --help tells the options of a command.",
    )
    parser.add_argument("--version", action="version", version=f"octavo {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    return parser


def command_parser(command: str) -> Parser:
    """The parser of one command's arguments."""
    summary = COMMANDS[command]
    parser = Parser(prog=f"octavo {command}", description=summary[0].upper() + summary[1:] + ".")
    parser.set_defaults(command=command)
    import_module(f"octavo.cli.{command}").add_arguments(parser)
    return parser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; ``--section.key=value`` means ``--set section.key=value``.

    Raises:
        OctavoError: it is wrong.
    """
    if not arguments or arguments[0] not in COMMANDS:
        late = next((argument for argument in arguments if argument in COMMANDS), None)
        if late and arguments[0] == "--runs":
            raise OctavoError(f"the command comes first: octavo {late} …, with its options after it")
        return make_parser().parse_args(arguments or ["--help"])  # it ends here: with the help, or with what is wrong
    command, *rest = arguments
    spread: list[str] = []
    for argument in rest:
        spread += ["--set", argument[2:]] if _SETTING.fullmatch(argument) else [argument]
    # Intermixed: a text may come after the options too.
    parsed, unknown = command_parser(command).parse_known_intermixed_args(spread)
    if unknown and not unknown[0].startswith("-"):
        raise OctavoError(f"{unknown[0]!r} is one argument too many: put quotes around a text that has spaces")
    if unknown:
        raise OctavoError(f"there is no option {unknown[0]}: octavo {command} --help lists those there are")
    return parsed


def add_runs_option(parser: argparse.ArgumentParser) -> None:
    """The folder of runs, an option of every command that has to do with them."""
    parser.add_argument("--runs", metavar="DIR", help="folder of the runs (default: $OCTAVO_RUNS or ./runs)")


def runs_given(options: argparse.Namespace) -> str:
    """The --runs option as it was given, to repeat in a command."""
    return f" --runs {shlex.quote(options.runs)}" if options.runs else ""


def as_text(argument: str) -> str:
    """An argument that is a text, not a name: in a locale of C too it is read as UTF-8.

    Raises:
        OctavoError: it is none.
    """
    with suppress(UnicodeEncodeError):
        argument.encode("utf-8")
        return argument
    try:
        return os.fsencode(argument).decode("utf-8")  # bytes that the locale could not decode
    except UnicodeError:
        raise OctavoError(f"{readable(argument)!r} is no UTF-8: give the text in a file, with --encoding") from None


def program() -> str:
    """How the person can call Octavo again: as they did."""
    from shutil import which

    called = sys.argv[0]
    found = which("octavo")
    return "octavo" if found == called or not called.endswith("octavo") else called
