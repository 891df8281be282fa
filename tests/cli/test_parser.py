import argparse
import re
from collections.abc import Iterator

import pytest

from octavo.cli.main import main
from octavo.cli.parser import COMMANDS, command_parser, parse, utf8_text
from octavo.errors import OctavoError


def test_a_text_may_come_after_the_options() -> None:
    parsed = parse(["heads", "--runs", "there", "shakespeare", "--windows", "3", "To be"])
    assert (parsed.run, parsed.text, parsed.windows, parsed.runs) == ("shakespeare", "To be", 3, "there")


def test_texts_and_settings_may_be_mixed() -> None:
    parsed = parse(["train", "--minutes=3", "a", "b", "--model.n_layers=2", "c"])
    assert (parsed.text, parsed.minutes, parsed.set) == (["a", "b", "c"], 3, ["model.n_layers=2"])


def test_a_text_that_begins_with_a_dash_follows_two() -> None:
    assert parse(["generate", "shakespeare", "--", "-x"]).prompt == "-x"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_page_of_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([command, "--help"])
    assert not ended.value.code
    assert f"octavo {command}" in capsys.readouterr().out


@pytest.mark.parametrize("option", [["--runs", "there"], ["--runs=there"], ["--quiet"]])
def test_an_option_before_the_command_is_refused(option: list[str]) -> None:
    with pytest.raises(OctavoError, match="the command comes first: octavo heads"):
        parse([*option, "heads", "shakespeare"])


@pytest.mark.parametrize("option", [["generate", "run", "--stop"], ["edit", "run", "--from"], ["tokenizer", "run"]])
def test_a_text_is_utf_8_whatever_the_locale(option: list[str]) -> None:
    given = vars(parse([*option, "T\udcc3\udcbcr"]))
    assert "Tür" in given.values() or ["Tür"] in given.values()
    with pytest.raises(OctavoError, match=r"'T\?r' is not UTF-8: give the text in a file"):
        parse([*option, "T\udcfcr"])


def values() -> Iterator[tuple[str, str, argparse.Action]]:
    """Every option of every command that takes a value."""
    for command in COMMANDS:
        for action in command_parser(command)._actions:
            if action.nargs is None:
                yield from ((command, option, action) for option in action.option_strings)


OPTIONS = [pytest.param(*each, id=" ".join(each[:2])) for each in values()]
TEXTS = ["--", "-", "---", "-x", "--x y", "-é"]


@pytest.mark.parametrize(("command", "option", "action"), OPTIONS)
def test_every_option_takes_a_value_that_begins_with_a_dash(
    command: str, option: str, action: argparse.Action
) -> None:
    """Or says that it is none of its choices, or no number."""
    words = ["word"] * sum(not each.option_strings and each.nargs != "*" for each in command_parser(command)._actions)
    for value in TEXTS:
        forms = [[f"{option}={value}"], [option, value]] if value != "--" else [[f"{option}={value}"]]
        for form in forms:
            if action.choices is None and action.type in (None, utf8_text):
                found = getattr(parse([command, *words, *form]), action.dest)
                assert found == ([value] if isinstance(action.default, list) else value)
            else:
                with pytest.raises(OctavoError, match=option) as raised:
                    parse([command, *words, *form])
                assert "literal" not in str(raised.value)


@pytest.mark.parametrize(("command", "option", "action"), OPTIONS)
def test_an_empty_value_is_not_silently_the_default(command: str, option: str, action: argparse.Action) -> None:
    if action.type is not utf8_text:
        with pytest.raises(OctavoError, match=f"{option}.*empty"):
            parse([command, f"{option}="])


@pytest.mark.parametrize(("command", "option", "action"), OPTIONS)
def test_an_option_that_lacks_its_value_says_how_one_with_a_dash_is_written(
    command: str, option: str, action: argparse.Action
) -> None:
    for rest in ([], ["--"], ["--", "word"], [option, "word"]):
        with pytest.raises(OctavoError, match=f"{option} needs a value.*{option}=VALUE"):
            parse([command, option, *rest])


@pytest.mark.parametrize("prompt", ["---", "--- Chapter 1 ---", "-", "-- x", "-5", "—"])
def test_a_text_that_can_be_no_option_needs_no_two_dashes(prompt: str) -> None:
    assert parse(["generate", "run", prompt, "--seed", "3"]).prompt == prompt


@pytest.mark.parametrize("word", ["-dash.txt", "-x", "--", "--seed=3", "---", "--data.x=1"])
def test_whatever_comes_after_two_dashes_is_a_text(word: str) -> None:
    assert parse(["train", "--dry-run", "a.txt", "--", word, "b.txt"]).text == ["a.txt", word, "b.txt"]
    assert parse(["generate", "--", "run", word]).prompt == word


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "-dash.txt"], "no option -dash.txt: .*comes after --"),
        (["generate", "run", "-x"], "no option -x.*comes after --"),
        (["generate", "run", "--tempreature=1"], "no option --tempreature: did you mean --temperature"),
        (["train", "--Minutes", "3"], "no option --Minutes: did you mean --minutes"),
        (["train", "--model.n_layers", "3"], r"--model\.n_layers=VALUE"),
        (["runs", "--model.n_layers=3"], "no option --model.n_layers"),
        (["train", "--model.n-layers=3", "--dry-run"], r"did you mean model\.n_layers"),
        (["evaluate", "run", "--split", "validaton"], "did you mean 'validation'"),
        (["generate", "run", "--temp", "warm"], "--temperature.*'warm'"),
        (["train", "--quiet=--"], "--quiet"),
        (["trian"], "no command 'trian': did you mean 'train'"),
        (["--hlep"], "no option --hlep: did you mean --help"),
        (["--Version"], "no option --Version: did you mean --version"),
        (
            ["train", "--validate-every", "3"],
            r"no option --validate-every: did you mean --train\.validate_every=VALUE",
        ),
        (["train", "--learning-rate=0.1"], r"did you mean --optimizer\.learning_rate=VALUE"),
        (["train", "--tokenizer-dropout", "0"], r"did you mean --tokenizer\.dropout=VALUE"),
        (["train", "--encoding", "uft8", __file__], "did you mean utf8"),
        (["train", "--encoding", "rot13", __file__], "pass --encoding utf-8"),
        (["train", "--encoding", "cp1253a", __file__], "did you mean cp1253"),
        (["train", "--modle.n_layers=3"], r"model\.n_layers"),
        (["train", "--tokenizer.kind=bep"], "did you mean 'bpe'"),
        (["train", "--preset", "pokcet"], "did you mean 'pocket'"),
        (["evaluate", "run", "--chunk-charcters", "3"], "did you mean --chunk-characters"),
        (["evaluate", "run", "--protocol", "disjont"], "did you mean 'disjoint'"),
        (["evaluate", "run", "--windows", "3"], "no option --windows: see octavo evaluate --help"),
        (["edit", "run", "--list-site", "--zeor", "x"], "did you mean --zero"),
        (["report", "run", "--format", "hmtl"], "did you mean 'html'"),
        (["bench", "--suite", "trian"], "did you mean 'train'"),
        (["Generate", "run"], "did you mean 'generate'"),
        ([""], "no command ''"),
        (["--", "nonsense"], "no command 'nonsense'"),
    ],
)
def test_a_misspelt_word_gets_the_one_that_was_meant(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert re.search(said, err)
    assert "literal" not in err
