"""The parser of all commands. Nothing heavy is imported until a command runs."""

import argparse
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from octavo.errors import OctavoError
from octavo.system.spelling import nearest, suggestion
from octavo.system.terminal import capitalize_first, path_text

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
_SETTING = re.compile(r"--[\w-]+\.[\w.-]+=.*", re.DOTALL)
_OPTION = re.compile(r"--?[A-Za-z][\w.-]*(=.*)?", re.DOTALL)
_LITERAL = "\0literal:"  # before an argument that argparse must not take for an option or a separator


class _Wide(argparse.HelpFormatter):
    """Help beside the longest option, not below it."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 32, **options})


class Parser(argparse.ArgumentParser):
    """Reports a wrong command line in one sentence, and takes values and texts that begin with a dash.

    argparse removes "--" from the values of options (of Python 3.11, 3.12.1 and 3.13.0, and not of every later one),
    and refuses values and texts that begin with a dash. Here "--" alone ends the options, and only what can be an
    option's name is taken for one.
    """

    def __init__(self, **options: Any) -> None:
        self._takes_value: dict[str, bool] = {}  # by the name of the option
        super().__init__(formatter_class=_Wide, **options)

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """Add an argument, as argparse does."""
        action = super().add_argument(*names, **options)
        self._takes_value |= dict.fromkeys(action.option_strings, action.nargs != 0)
        return action

    @property
    def option_names(self) -> list[str]:
        """The names of all options."""
        return list(self._takes_value)

    def knows(self, argument: str) -> bool:
        """Return whether it is one of the options, perhaps abbreviated, with or without a value."""
        return bool(self._matching(argument.partition("=")[0]))

    def parse_all(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse a command line in which texts and options may be mixed.

        Raises:
            OctavoError: it is wrong.
        """
        parsed, unknown = self.parse_known_intermixed_args(list(self._literal(deque(arguments))))
        if not unknown:
            return parsed
        first = unknown[0]
        if not first.startswith("-"):
            given = first.removeprefix(_LITERAL)
            raise OctavoError(f"{given!r} is one argument too many: put quotes around a text that has spaces")
        name = first.partition("=")[0]
        if near := nearest(name, self.option_names):
            hint = f"did you mean {near}?"
        elif "--set" in self.option_names and _SETTING.fullmatch(f"{name}="):
            hint = f"a setting is written {name}=VALUE"
        else:
            hint = f"{_help(self.prog)} lists those there are"
        raise OctavoError(f"there is no option {name}: {hint} (a text that begins with a dash comes after --)")

    def _literal(self, rest: deque[str]) -> Iterator[str]:
        """Yield the arguments, those marked that are values or texts although they begin with a dash."""
        while rest:
            argument = rest.popleft()
            if argument == "--":
                yield from (_LITERAL + text for text in rest)
                return
            name, equals, value = argument.partition("=")
            if not _OPTION.fullmatch(argument):
                yield _LITERAL + argument if argument.startswith("-") else argument
            elif not self._wants_value(name):
                yield argument
            elif equals:
                yield f"{name}={_LITERAL}{value}"
            elif not rest or rest[0] == "--" or self.knows(rest[0]):
                raise OctavoError(f"{name} needs a value: one that begins with a dash is written {name}=VALUE")
            else:
                yield f"{name}={_LITERAL}{rest.popleft()}"

    def _matching(self, name: str) -> list[str]:
        """The options of that name, or that begin with it, as argparse allows."""
        if not _OPTION.fullmatch(name):
            return []
        if name in self._takes_value:
            return [name]
        return [option for option in self._takes_value if name.startswith("--") and option.startswith(name)]

    def _wants_value(self, name: str) -> bool:
        matching = self._matching(name)
        return len(matching) == 1 and self._takes_value[matching[0]]

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        given = arg_string.removeprefix(_LITERAL)
        if not given and action.option_strings and action.type is not as_text:
            raise argparse.ArgumentError(action, "the value is empty: give one, or leave the option out")
        return super()._get_value(action, given)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"{value!r} is no choice: {suggestion(value, action.choices)}")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the help is; exit code 2."""
        raise OctavoError(f"{message} ({_help(self.prog)} says more)")


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
    parser = Parser(prog=f"octavo {command}", description=capitalize_first(summary) + ".")
    parser.set_defaults(command=command)
    import_module(f"octavo.cli.{command}").add_arguments(parser)
    return parser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; ``--section.key=value`` means ``--set section.key=value``.

    Raises:
        OctavoError: it is wrong.
    """
    if arguments[:1] == ["--"]:
        return parse(arguments[1:])
    if not arguments or arguments[0] not in COMMANDS:
        late = next((argument for argument in arguments if argument in COMMANDS), None)
        if late and arguments[0].startswith("--") and not make_parser().knows(arguments[0]):
            raise OctavoError(f"the command comes first: {_program()} {late} …, with its options after it")
        if arguments and not arguments[0].startswith("-"):
            hint = suggestion(arguments[0], COMMANDS)
            raise OctavoError(f"there is no command {arguments[0]!r}: {hint} ({_help('octavo')} lists them)")
        return make_parser().parse_args(arguments or ["--help"])  # it ends here: with the help, or with what is wrong
    command, *rest = arguments
    parser = command_parser(command)
    spread: list[str] = []
    while rest and rest[0] != "--":
        argument = rest.pop(0)
        setting = "--set" in parser.option_names and _SETTING.fullmatch(argument)
        spread += ["--set", argument[2:]] if setting else [argument]
    return parser.parse_all([*spread, *rest])


def _program() -> str:
    from octavo.cli.output import program

    return program()


def _help(prog: str) -> str:
    """Return the command that shows the help of ``octavo`` or ``octavo COMMAND``."""
    return f"{_program()}{prog.removeprefix('octavo')} --help"


def add_runs_option(parser: argparse.ArgumentParser) -> None:
    """The folder of runs, an option of every command that has to do with them."""
    parser.add_argument("--runs", metavar="DIR", help="folder of the runs (default: $OCTAVO_RUNS or ./runs)")


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
        raise OctavoError(f"{path_text(argument)!r} is no UTF-8: give the text in a file, with --encoding") from None
