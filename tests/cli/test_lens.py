"""octavo lens: what each layer would already predict."""

from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.pipeline.run import Run


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["lens", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_a_row_a_token_and_what_each_layer_scores(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, copied.path, "First Citizen:\nSpeak")
    lens = copied.lens("First Citizen:\nSpeak").lens
    table = out.split("\n\n")[1].splitlines()
    assert table[0].split() == ["after", "embedding", "block", "0", "actual", "p"]
    assert len(table) == 1 + len(lens.passage.ids)
    assert table[1].startswith("⟨BOS⟩")
    for layer, bits in zip(lens.layers, lens.held_out_bits, strict=True):
        assert f"  {layer.name:<12}{bits:8.3f}" in out
    assert f"written to {copied.path / 'analysis' / 'lens.html'}\n" in out
    assert (copied.path / "analysis" / "lens.html").read_text().startswith("<!doctype html>")
    assert "\x1b" not in out


def test_only_the_first_tokens(copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, copied.path, "--max-tokens", "4", "--output", tmp_path)
    assert len(out.split("\n\n")[1].splitlines()) == 5
    assert (tmp_path / "lens.html").is_file()


@pytest.mark.parametrize("tokens", ["0", "33", "-3"])
def test_so_many_tokens_are_not_seen_at_once(trained: Run, capsys: pytest.CaptureFixture[str], tokens: str) -> None:
    assert main(["lens", str(trained.path), "words", "--max-tokens", tokens]) == 2
    assert f"{tokens} tokens are out of range: 2 to 32" in capsys.readouterr().err


def test_escape_sequences_are_shown_not_sent(
    strange: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, strange.path, "\x1b[31mred\u202e 😀", "--output", tmp_path)
    assert "\\x1b" in out
    assert not set("\x1b\u202e") & set(out)
