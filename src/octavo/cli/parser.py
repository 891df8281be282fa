"""The parser of all commands. Nothing heavy is imported until a command runs."""

import argparse
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from octavo.errors import OctavoError

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
    return f" --runs {options.runs}" if options.runs else ""


def program() -> str:
    """How the person can call Octavo again: as they did."""
    from shutil import which

    called = sys.argv[0]
    found = which("octavo")
    return "octavo" if found == called or not called.endswith("octavo") else called
