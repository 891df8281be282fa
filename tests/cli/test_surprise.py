"""octavo surprise: a text as it surprised the model."""

import re
from pathlib import Path

import pytest

from octavo.cli.main import main
from octavo.corpus import Corpus, read_corpus
from octavo.pipeline.run import Run


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main(["surprise", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_the_text_its_score_and_the_page(copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = copied.splits["validation"].text[:600]
    (tmp_path / "a.txt").write_bytes(text.encode())
    out = told(capsys, copied.path, "--file", tmp_path / "a.txt")
    score = copied.evaluate(Corpus.from_text(text))
    assert score.tokens > 3 * copied.config.data.context_length
    assert f"{score.bits_per_character:.4f} bits per character ({score.nats_per_character:.4f} nats)" in out
    assert f"{score.nats_per_token:.4f} nats per token" in out
    shown = "".join(re.findall(r"^\| (.*)$", out, re.MULTILINE)).replace("↵", "\n")
    assert shown == text
    page = copied.path / "analysis" / "surprise.html"
    assert f"written to {page}\n" in out
    assert page.read_text().startswith("<!doctype html>")
    assert "\x1b" not in out


def test_a_file_with_a_byte_order_mark_costs_what_evaluate_says(
    copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = tmp_path / "marked.txt"
    marked.write_bytes(b"\xef\xbb\xbf" + copied.splits["validation"].text[:200].encode())
    score = copied.evaluate(read_corpus([marked]))
    out = told(capsys, copied.path, "--file", marked)
    assert f"{score.bits_per_character:.4f} bits per character ({score.nats_per_character:.4f} nats)" in out
    assert "\n200 characters, " in out


def test_colour_where_it_can_be_seen(
    copied: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = told(capsys, copied.path, "Zounds")
    assert re.search("\x1b\\[38;2;0;0;0;48;2;\\d+;\\d+;\\d+mZ", out)


def test_without_a_text_it_is_the_runs_own(copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, copied.path, "--output", tmp_path / "there")
    assert "1,000 characters" in out
    assert (tmp_path / "there" / "surprise.html").is_file()
    assert not (copied.path / "analysis").exists()


def test_of_a_long_text_the_beginning_is_shown_and_the_totals_are_of_all(
    copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = copied.validation_beginning(600)
    score = copied.evaluate(Corpus.from_text(text))
    out = told(capsys, copied.path, text, "--max-characters", "100", "--output", tmp_path)
    shown = "".join(re.findall(r"^\| (.*)$", out, re.MULTILINE)).replace("↵", "\n")
    assert text.startswith(shown)
    assert 80 < len(shown) <= 100
    assert f"the other {600 - len(shown)} characters are left out here; the totals are of all 600\n" in out
    assert f"{score.bits_per_character:.4f} bits" in out
    page = (tmp_path / "surprise.html").read_text()
    assert re.search(rf"first {len(shown)} characters.*\b{600 - len(shown)}\b", page)
    assert page.count('<span class="warm-') < 120
    assert main(["surprise", str(copied.path), "--max-characters", "0"]) == 2


def test_escape_sequences_are_shown_not_sent(
    strange: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, strange.path, "\x1b[31mred\u202e 😀", "--output", tmp_path)
    assert "\\x1b[31mred\\u202e 😀" in out
    assert not set("\x1b\u202e") & set(out)


def test_a_text_is_needed(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["surprise", str(trained.path), ""]) == 2
    assert "the text is empty" in capsys.readouterr().err
