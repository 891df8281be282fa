"""The parser of the command line. A command's own module is imported only when that command runs."""

import argparse
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from octavo.cli.output import program, say
from octavo.errors import OctavoError, nearest, suggestion
from octavo.system.terminal import capitalize_first, path_text

GROUPS = {
    "train and score": {
        "train": "train a model on a text, score it and report on it",
        "evaluate": "score a run on held-out or other text, next to baselines",
        "report": "show a run on one page",
        "curves": "draw the training curves of a run",
    },
    "generate and share": {
        "generate": "continue a prompt",
        "playground": "make a page in which the model writes, without a network",
        "share": "pack a run without its text, for others to generate with",
    },
    "look inside": {
        "surprise": "show the surprisal of each character of a text",
        "lens": "show what each layer would predict (logit lens)",
        "attention": "show where each head of a model attends",
        "heads": "measure what each head attends to, and the cost of its ablation",
        "edit": "ablate or patch activations and show the effect on predictions",
        "tokenizer": "show how a run's tokenizer splits a text into tokens",
    },
    "compare and experiment": {
        "runs": "list all runs with their scores",
        "compare": "show several runs on one page",
        "experiment": "train variants with several seeds and compare them",
        "reproduce": "repeat the experiment of a course report and compare the results",
        "bench": "measure the speed of Octavo on this machine",
    },
    "check": {
        "doctor": "check whether Octavo works on this machine, and how fast",
        "verify": "check the files of a run for damage",
        "presets": "list the presets",
    },
}
COMMANDS = {name: summary for commands in GROUPS.values() for name, summary in commands.items()}
_WITHOUT_RUNS = ("bench", "presets")  # the commands that neither read nor write runs
# The commands to start with, in the order of their use: each works as it is printed, after the ones above it.
_FIRST_STEPS = {
    "doctor": "check whether Octavo works here",
    "train": "train on Tiny Shakespeare, about 5 minutes",
    "generate shakespeare ROMEO:": "continue a prompt",
    "evaluate shakespeare": "compare the score with baselines",
    "report shakespeare": "show the run on one page",
}
_SETTING = re.compile(r"--[\w-]+\.[\w.-]+=.*", re.DOTALL)
_OPTION = re.compile(r"--?[A-Za-z][\w.-]*(=.*)?", re.DOTALL)
_LITERAL = "\0literal:"  # before an argument that argparse must not take for an option or a separator


class _HelpFormatter(argparse.HelpFormatter):
    """Put the help of an option on its line, also where the option is long."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"max_help_position": 32, **options})


class _OverviewFormatter(_HelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keep the lines of the description."""


class Parser(argparse.ArgumentParser):
    """Report a wrong command line in one sentence, and accept values and texts that begin with a dash.

    argparse removes "--" from the values of options (in Python 3.11, 3.12.1 and 3.13.0, but not in every later one),
    and refuses values and texts that begin with a dash. Here "--" alone ends the options, and only a word with the
    form of an option's name is taken for one.
    """

    @property
    def takes_value(self) -> dict[str, bool]:
        """Return whether an option takes a value, by each of its names."""
        return {name: action.nargs != 0 for action in self._actions for name in action.option_strings}

    def knows(self, argument: str) -> bool:
        """Return whether it is one of the options, perhaps abbreviated, with or without a value."""
        return bool(self._matching(argument.partition("=")[0]))

    def parse_all(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse a command line in which texts and options may be mixed.

        Raises:
            OctavoError: it is wrong; the sentence names the problem and the nearest right word.
        """
        parsed, unknown = self.parse_known_intermixed_args(list(self._literal(deque(arguments))))
        if not unknown:
            return parsed
        first = unknown[0]
        if not first.startswith("-"):
            given = first.removeprefix(_LITERAL)
            raise OctavoError(f"{given!r} is one argument too many: put quotes around a text that has spaces")
        name = first.partition("=")[0]
        takes_texts = any(not action.option_strings for action in self._actions)
        texts = " (a text that begins with a dash comes after --)" if takes_texts else ""
        raise OctavoError(f"there is no option {name}: {self._hint(name)}{texts}")

    def _hint(self, name: str) -> str:
        """Return what the user probably meant by an unknown option: an option, a setting, or one from the help."""
        public = [action.option_strings for action in self._actions if action.help != argparse.SUPPRESS]
        near, near_setting = nearest(name, [option for names in public for option in names]), ""
        if "--set" in self.takes_value:
            if _SETTING.fullmatch(f"{name}="):
                return f"a setting is written {name}=VALUE"
            near_setting = _nearest_setting(name)
        if near_setting and not near:
            return f"did you mean --{near_setting}=VALUE?"
        return f"did you mean {near}?" if near else f"see {_help(self.prog)}"

    def _literal(self, rest: deque[str]) -> Iterator[str]:
        """Yield the arguments, with a mark on values and texts that begin with a dash."""
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
        """Return the options of that name, or that begin with it, as argparse allows."""
        if not _OPTION.fullmatch(name):
            return []
        if name in self.takes_value:
            return [name]
        return [option for option in self.takes_value if name.startswith("--") and option.startswith(name)]

    def _wants_value(self, name: str) -> bool:
        matching = self._matching(name)
        return len(matching) == 1 and self.takes_value[matching[0]]

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        given = arg_string.removeprefix(_LITERAL)
        if not given and action.option_strings and action.type is not utf8_text:
            raise argparse.ArgumentError(action, "the value is empty: give one, or leave the option out")
        return super()._get_value(action, given)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"{value!r} is not a choice: {suggestion(value, action.choices)}")

    def error(self, message: str) -> NoReturn:
        """Raise OctavoError with the message of argparse and the command that shows the help."""
        raise OctavoError(f"{message} (see {_help(self.prog)})")


def make_parser() -> Parser:
    """Return the parser of a command line without a command: its help lists the commands."""
    from octavo import __version__

    listed = [
        "\n".join([f"{title}:", *(f"  {name:<12}{summary}" for name, summary in commands.items())])
        for title, commands in GROUPS.items()
    ]
    parser = Parser(
        prog="octavo",
        usage="octavo COMMAND ...",
        formatter_class=_OverviewFormatter,
        description="\n\n".join(["A pocket laboratory for tiny Transformer language models.", *listed]),
        epilog="Run 'octavo COMMAND --help' for the options of a command.",
    )
    parser.add_argument("--version", action="version", version=f"octavo {__version__}")
    return parser


def first_steps() -> list[str]:
    """Return lines for a user who types no command: commands to begin with, which work as they are printed."""
    examples = {f"{program()} {words}": purpose for words, purpose in _FIRST_STEPS.items()}
    width = max(map(len, examples))
    lines = [f"  {example:<{width}}  {purpose}" for example, purpose in examples.items()]
    if max(map(len, lines)) > 80:  # the program's path is long
        lines = [line for example, purpose in examples.items() for line in (f"  {example}", f"      {purpose}")]
    return [
        "Octavo is a pocket laboratory for tiny Transformer language models. Start with:",
        "",
        *lines,
        "",
        f"'{program()} train FILE' trains on a text of your own.",
        f"'{_help('octavo')}' lists all commands.",
    ]


def command_parser(command: str) -> Parser:
    """Return the parser of one command's arguments."""
    description = capitalize_first(COMMANDS[command]) + "."
    parser = Parser(prog=f"octavo {command}", description=description, formatter_class=_HelpFormatter)
    parser.set_defaults(command=command)
    import_module(f"octavo.cli.{command}").add_arguments(parser)
    if command not in _WITHOUT_RUNS:
        parser.add_argument("--runs", metavar="DIR", help="folder of all runs (default: $OCTAVO_RUNS or ./runs)")
    return parser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; ``--section.key=value`` means ``--set section.key=value``.

    Raises:
        OctavoError: it is wrong.
        SystemExit: the answer was printed: help, version, or the first steps where there are no arguments.
    """
    if not arguments:
        say("\n".join(first_steps()))
        raise SystemExit(0)
    command, *rest = arguments
    if command in ("--", "help"):
        return parse(rest if command == "--" else [*rest, "--help"])
    if command not in COMMANDS:
        _refuse_command(command, rest)
        return make_parser().parse_all([command])  # it ends here: with help, version or an error
    parser = command_parser(command)
    expanded: list[str] = []
    while rest and rest[0] != "--":
        argument = rest.pop(0)
        setting = "--set" in parser.takes_value and _SETTING.fullmatch(argument)
        expanded += ["--set", argument[2:]] if setting else [argument]
    return parser.parse_all([*expanded, *rest])


def _refuse_command(word: str, rest: Sequence[str]) -> None:
    """Raise OctavoError for a first word that is neither a command nor an option of ``octavo`` itself."""
    if not word.startswith("-"):
        hint = suggestion(word, COMMANDS)
        raise OctavoError(f"there is no command {word!r}: {hint} ({_help('octavo')} lists all)")
    late = next((argument for argument in rest if argument in COMMANDS), None)
    if late and word.startswith("--") and not make_parser().knows(word):
        raise OctavoError(f"the command comes first: {program()} {late} …, with its options after it")


def _help(prog: str) -> str:
    """Return the command that shows the help of ``octavo`` or ``octavo COMMAND``."""
    return f"{program()}{prog.removeprefix('octavo')} --help"


def _nearest_setting(option: str) -> str:
    """Return the setting that an option resembles: train.validate_every for --validate-every; empty if none."""
    from octavo.config import Config
    from octavo.formats.toml_schema import as_mapping, dotted_names

    settings = dotted_names(as_mapping(Config()))
    by_last_word = {name.rpartition(".")[2]: name for name in settings}
    by_words = by_last_word | {name.replace(".", "_"): name for name in settings}
    return by_words.get(nearest(option.lstrip("-").replace("-", "_"), by_words, cutoff=0.8), "")


def utf8_text(argument: str) -> str:
    """Return an argument that is a text, not a name: it is read as UTF-8 also in the C locale.

    Raises:
        OctavoError: it is not valid UTF-8.
    """
    with suppress(UnicodeEncodeError):
        argument.encode("utf-8")
        return argument
    try:
        return os.fsencode(argument).decode("utf-8")  # bytes that the locale could not decode
    except UnicodeError:
        raise OctavoError(f"{path_text(argument)!r} is not UTF-8: give the text in a file, with --encoding") from None
