import pytest

from octavo.cli.parser import COMMANDS, parse, runs_given
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


def test_an_option_before_the_command_is_refused() -> None:
    with pytest.raises(OctavoError, match="the command comes first: octavo heads"):
        parse(["--runs", "there", "heads", "shakespeare"])


@pytest.mark.parametrize("option", [["generate", "run", "--stop"], ["edit", "run", "--from"], ["tokenizer", "run"]])
def test_a_text_is_utf_8_whatever_the_locale(option: list[str]) -> None:
    given = vars(parse([*option, "T\udcc3\udcbcr"]))
    assert "Tür" in given.values() or ["Tür"] in given.values()
    with pytest.raises(OctavoError, match=r"'T\?r' is no UTF-8: give the text in a file"):
        parse([*option, "T\udcfcr"])


def test_the_folder_of_runs_is_repeated_so_that_it_can_be_typed() -> None:
    assert runs_given(parse(["runs", "--runs", "my runs"])) == " --runs 'my runs'"
    assert runs_given(parse(["runs"])) == ""
