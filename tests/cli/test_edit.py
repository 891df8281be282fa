"""octavo edit: what changes when something inside the model is changed."""

import json
import re
from pathlib import Path

import pytest

from octavo.cli.edit import place_lines
from octavo.cli.main import main
from octavo.cli.shading import per_cent
from octavo.interpret.interventions import places_of
from octavo.run import Run

HEAD = "blocks.0.attention.head.1"


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["edit", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_it_tells_the_tokens_before_and_after_and_what_it_costs(
    trained: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, trained.path, "First Citizen:\nSpeak", "--zero", HEAD, "--mean", "blocks.*.feedforward.output")
    edit = trained.edit("First Citizen:\nSpeak", zero=HEAD, mean=["blocks.0.feedforward.output"]).edit
    assert out.splitlines()[:4] == [
        f"zero {HEAD}",
        "mean blocks.0.feedforward.output",
        "",
        "next token after First Citizen:↵Speak",
    ]
    assert f"{edit.divergence_bits:.4f} bits" in out
    assert f"{edit.bits_per_character_before:.4f} -> {edit.bits_per_character_after:.4f} bits per character" in out
    likeliest = edit.candidates[0]
    assert re.search(
        rf"^\S+ +{per_cent(likeliest.before).strip()} +{per_cent(likeliest.after).strip()} *$", out, re.MULTILINE
    )
    assert "\x1b" not in out


def test_a_patch_from_another_text_at_one_token(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--patch", "embedding", "--from", "the king of all England", "--position", "-1"]
    out = told(capsys, trained.path, "You are", *given)
    assert re.match(r"patch embedding at token \d+, '\S+'\n", out)
    assert "(+0.0000)" in out


def test_json_is_for_a_machine(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    plain = json.loads(told(capsys, trained.path, "You are", "--zero", HEAD, "--json"))
    edit = trained.edit("You are", zero=HEAD).edit
    assert plain["divergence_bits"] == edit.divergence_bits
    assert plain["changed"] == [f"zero {HEAD}"]


def test_without_a_text_it_is_the_runs_own(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    plain = json.loads(told(capsys, trained.path, "--zero", HEAD, "--json"))
    assert trained.parts["validation"].text.startswith(plain["text"])


def test_many_places_are_counted(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, trained.path, "You are", "--zero", "blocks.0.feedforward.unit.*")
    assert "zero blocks.0.feedforward.unit.5\nand 58 more\n" in out


def test_the_places_listed_are_those_that_there_are(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, trained.path, "--places").splitlines()
    assert lines == place_lines(trained.config.model)
    listed = {line.split()[0] for line in lines[:-1]} | {"blocks.I.attention.k", "blocks.I.attention.v"}
    there = {re.sub(r"blocks\.\d+", "blocks.I", name) for name in places_of(trained.model)}
    there = {re.sub(r"head\.\d+", "head.H", re.sub(r"unit\.\d+", "unit.U", name)) for name in there}
    assert listed == there
    assert "I is 0 to 0, H 0 to 3, U 0 to 63" in lines[-1]


def test_escape_sequences_are_shown_not_sent(strange: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, strange.path, "\x1b[31mred\u202e", "--zero", "embedding", "--position", "1")
    assert "\\x1b[31mred\\u202e" in out
    assert not set("\x1b\u202e") & set(out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give --zero, --mean or --patch with a PLACE; --places lists them"),
        (["--zero", "nowhere"], "there is no place 'nowhere' in this model"),
        (["--patch", HEAD], "give that text"),
        (["--patch", HEAD, "--from", "a"], "and the other text 1"),
        (["--zero", HEAD, "--from", "a"], "no place to patch from it"),
        (["--zero", HEAD, "--position", "99"], "position 99 is out of range"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    trained: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["edit", str(trained.path), "some words", *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
