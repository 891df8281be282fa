"""What the figures' fonts can draw."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]
from matplotlib.font_manager import findfont, fontManager
from matplotlib.text import Text

from octavo.experiments.reproduction.epochs import LossPoint
from octavo.experiments.reproduction.figures import (
    epochs_figure,
    perplexities_figure,
    unlearning_figure,
)
from octavo.experiments.reproduction.reported import EpochRow
from octavo.reports.figures import files as lettering
from octavo.reports.figures.attention import attention_figures
from octavo.reports.figures.files import all_drawable, drawable, notes_of, save_figure, with_installed_fonts


@pytest.mark.parametrize(
    ("text", "drawn"), [("größe Ġ", "größe Ġ"), ("日本", "��"), ("a\nb\x1b", "a�b�"), ("🙂", "�"), ("", "")]
)
def test_what_has_no_letter_becomes_a_sign_for_it(text: str, drawn: str) -> None:
    assert drawable(text) == drawn


def test_any_title(tmp_path: Path) -> None:
    title = "日本 $x_{"
    for figure in (
        epochs_figure([EpochRow(1, 2.0, 2.0, 7.4)], [], title=title),
        perplexities_figure({"a": 1.0}, [1.0], title=title),
        unlearning_figure([LossPoint(1, 1.0, 2.0, 2.0, 3.0)], floor=2.0, title=title),
    ):
        save_figure(figure, tmp_path / "a")  # a letter that the font lacks would be a warning, and so an error
        assert figure.get_suptitle() == "�� $x_{"


def write_font(path: Path, family: str, letters: str) -> None:
    """A font in which each letter is a square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(corner)
    pen.closePath()
    names = [".notdef", *(f"u{ord(letter):04X}" for letter in letters)]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): name for letter, name in zip(letters, names[1:], strict=True)})
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "psName": family.replace(" ", "")})
    builder.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(path)


@pytest.fixture
def fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Two fonts, as if they were installed: one has 日 and 本, the other 本 and 語."""
    installed = list(fontManager.ttflist)
    monkeypatch.setattr(lettering, "_families", {})
    families = {"Octavo Test A": "日本", "Octavo Test B": "本語", "Octavo Test Last Resort": "日本語한"}
    for family, letters in families.items():
        write_font(tmp_path / f"{family}.ttf", family, letters)
        fontManager.addfont(tmp_path / f"{family}.ttf")
    yield list(families)
    fontManager.addfont(findfont("DejaVu Sans"))  # forgets what was found before
    fontManager.ttflist[:] = installed


def families_of(text: Text) -> list[str]:
    return list(text.get_fontfamily())


def test_an_installed_font_is_taken_for_letters_that_the_usual_one_lacks(fonts: list[str], tmp_path: Path) -> None:
    assert all_drawable(["日本語", "한a"]) == ["日本語", "�a"]
    (figure,) = attention_figures(np.eye(2)[None, None], ["日本", "語"], title="本")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["日本", "語"]
    assert figure.get_suptitle() == "本, layer 0"
    for label in figure.axes[0].get_yticklabels():
        assert families_of(label) == ["DejaVu Sans", *fonts[:2]]
    assert notes_of(figure) == []
    paths = save_figure(figure, tmp_path / "a", ("png", "svg"))  # a letter without a font would be a warning
    assert "OctavoTestA" in paths[1].read_text()
    assert "OctavoTestB" in paths[1].read_text()


def test_a_font_that_is_installed_after_the_font_list_was_made_is_found(
    fonts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert drawable("한") == "�"
    lettering._add_new_fonts.cache_clear()  # another process
    monkeypatch.setattr(lettering, "_families", {})
    write_font(tmp_path / "new.ttf", "Octavo Test New", "한")
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    installed = [str(path) for path in tmp_path.glob("*.ttf")]
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda: installed)
    assert drawable("한語") == "한語"
    (figure,) = attention_figures(np.eye(2)[None, None], ["한", "a"])
    assert families_of(figure.axes[0].get_yticklabels()[0]) == ["DejaVu Sans", "Octavo Test New"]
    assert notes_of(figure) == []


def test_what_no_font_has_is_said_on_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lettering, "_families", {})
    monkeypatch.setattr(lettering, "_other_families", lambda: iter(()))
    (figure,) = attention_figures(np.eye(2)[None, None], ["To", "日本"])
    (note,) = notes_of(figure)
    assert "the page shows them" in note
    assert note in figure.get_supxlabel()
    (path,) = save_figure(figure, tmp_path / "a", ("svg",))
    assert path.stat().st_size > 0
    usual = with_installed_fonts(next(attention_figures(np.eye(2)[None, None], ["To", "\x1b\n�"])), ["To\n"])
    assert notes_of(usual) == []


def test_each_letter_is_searched_for_once(fonts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    all_drawable(["日本", "語", "한", "plain"])
    monkeypatch.setattr(lettering, "_other_families", None)  # would fail
    assert all_drawable(["plain é", "한", "日"]) == ["plain é", "�", "日"]


@pytest.mark.parametrize(("text", "said"), [("שלום", True), ("कि", True), ("é ж 日", False)])
def test_letters_that_run_or_join_are_right_or_that_is_said(
    monkeypatch: pytest.MonkeyPatch, text: str, said: bool
) -> None:
    for shapes in (True, False):
        monkeypatch.setattr(lettering, "_shapes", lambda shapes=shapes: shapes)
        figure = next(attention_figures(np.eye(2)[None, None], ["To", text]))
        assert any("one by one" in note for note in notes_of(figure)) == (said and not shapes)


def test_joiners_are_no_missing_letters() -> None:
    assert drawable("می\u200cخواهم\xa0❤\ufe0f") == "می\u200cخواهم\xa0❤\ufe0f"
