"""octavo edit: what changes when something inside the model is changed."""

import json
import re
from pathlib import Path

import pytest

from octavo.cli.edit import site_lines
from octavo.cli.main import main
from octavo.interpret.interventions import targets_of
from octavo.pipeline.run import Run
from octavo.reports.terminal.colours import percentage

HEAD = "blocks.0.attention.head.1"


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["edit", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_it_tells_the_tokens_before_and_after_and_what_it_costs(
    copied: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, copied.path, "First Citizen:\nSpeak", "--zero", HEAD, "--mean", "blocks.*.feedforward.output")
    edit = copied.edit("First Citizen:\nSpeak", zero=HEAD, mean=["blocks.0.feedforward.output"]).edit
    changed = out.splitlines()[:4]
    assert changed[0] == f"zero {HEAD}"
    assert changed[1].startswith("mean blocks.0.feedforward.output")
    assert f"{edit.mean_tokens:,} tokens" in changed[1]
    assert changed[3].endswith("First Citizen:↵Speak")
    assert f"{edit.divergence_bits:.4f} bits" in out
    assert f"{edit.bits_per_character_before:.4f} -> {edit.bits_per_character_after:.4f} bits per character" in out
    likeliest = edit.candidates[0]
    assert re.search(
        rf"^\S+ +{percentage(likeliest.p_before).strip()} +{percentage(likeliest.p_after).strip()} *$",
        out,
        re.MULTILINE,
    )
    assert f"20 characters, {edit.tokens} tokens\n" in out
    assert "\x1b" not in out
    page = copied.path / "analysis" / "edit.html"
    assert out.endswith(f"\n\nwritten to {page}\n")
    assert page.read_text() == copied.edit(edit.text, zero=HEAD, mean="blocks.0.feedforward.output").page.html


def test_a_patch_from_another_text_at_one_token(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--patch", "embedding", "--from", "the king of all England", "--position", "-1"]
    out = told(capsys, copied.path, "You are", *given)
    edit = copied.edit("You are", patch="embedding", other="the king of all England", position=-1).edit
    ids = copied.tokenizer.encode("the king of all England")
    assert edit.other_label == copied.tokenizer.decode(ids[edit.tokens - 1 : edit.tokens]) != edit.token_label
    assert re.match(
        rf"patch embedding at token {edit.tokens}, '\S+', from '\S+', token {edit.tokens} of the oth", out
    )
    assert "(+0.0000)" in out


def test_json_is_for_a_machine(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    plain = json.loads(told(capsys, copied.path, "You are", "--zero", HEAD, "--json"))
    edit = copied.edit("You are", zero=HEAD).edit
    assert plain["divergence_bits"] == edit.divergence_bits
    assert plain["changed"] == [f"zero {HEAD}"]
    assert not (copied.path / "analysis").exists()


def test_without_a_text_it_is_the_runs_own(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    plain = json.loads(told(capsys, copied.path, "--zero", HEAD, "--json"))
    assert copied.splits["validation"].text.startswith(plain["text"])


def test_many_places_are_counted(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, copied.path, "You are", "--zero", "blocks.0.feedforward.unit.*")
    assert "zero blocks.0.feedforward.unit.5\nand 58 more\n" in out


def test_the_places_listed_are_those_that_there_are(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, copied.path, "--list-sites").splitlines()
    assert told(capsys, copied.path, "--places").splitlines() == lines, "its earlier name"
    assert lines == site_lines(copied.config.model)
    listed = {line.split()[0] for line in lines[:-1]} | {"blocks.I.attention.k", "blocks.I.attention.v"}
    there = {re.sub(r"blocks\.\d+", "blocks.I", name) for name in targets_of(copied.model)}
    there = {re.sub(r"head\.\d+", "head.H", re.sub(r"unit\.\d+", "unit.U", name)) for name in there}
    assert listed == there
    assert "I is 0 to 0, H 0 to 3, U 0 to 63" in lines[-1]


def test_escape_sequences_are_shown_not_sent(
    strange: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(
        capsys, strange.path, "--output", tmp_path, "\x1b[31mred\u202e", "--zero", "embedding", "--position", "1"
    )
    assert "\\x1b[31mred\\u202e" in out
    assert not set("\x1b\u202e") & set(out)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "give --zero, --mean or --patch with a SITE; --list-sites lists them"),
        (["--zero", "nowhere"], "'nowhere'"),
        (["--patch", HEAD], "give that text"),
        (["--patch", HEAD, "--from", "a"], "other text, but it has 1"),
        (["--zero", HEAD, "--from", "a"], "to patch"),
        (["--zero", HEAD, "--position", "99"], "position 99 is out of range"),
        (["--zero", HEAD, "--json", "--output", "here"], "--json writes no page: leave --output out"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    trained: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["edit", str(trained.path), "some words", *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
