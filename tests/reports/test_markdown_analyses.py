"""What a model has inside, in Markdown."""

import math
from collections.abc import Callable
from dataclasses import replace

from octavo.interpret.head_labels import MEANINGS
from octavo.interpret.head_table import HeadTable
from octavo.interpret.lens import Lens, LensCell, LensLayer
from octavo.interpret.predictions import Prediction
from octavo.interpret.surprise import Surprise, TokenSurprise
from octavo.interpret.tokens import Alignment, Passage
from octavo.reports.head_columns import head_columns
from octavo.reports.markdown import head_paragraphs, lens_paragraphs, surprise_paragraphs

GUESSES = (Prediction("a", 0.5),)


def surprise(*ranks: int | None, lossless: bool = True) -> Surprise:
    tokens = tuple(TokenSurprise("a", math.log(2), rank, GUESSES) for rank in ranks)
    pieces = [Alignment("a", n, n + 1) for n in range(len(ranks))]
    pieces += [] if lossless else [Alignment("\t", len(ranks), len(ranks))]
    text = "".join(piece.text for piece in pieces)
    return Surprise(text, tokens, tuple(pieces), 32, lossless_tokenizer=lossless)


def lens(nats: float | None, tied: bool = False, residual: bool = True) -> Lens:
    cells = (LensCell(GUESSES, 0.1, 1), LensCell(GUESSES, None, None))
    layers = (LensLayer("embedding", cells, nats), LensLayer("blocks.0.output", cells, nats and nats - 1))
    return Lens(Passage((0, 1), ("To", " be"), has_bos=False), layers, 5000, 10_000, tied, residual)


class TestHeads:
    def test_every_column_of_the_page_with_its_interval(self, make_table: Callable[..., HeadTable]) -> None:
        heads = make_table([{"previous": 0.8, "cost": 0.3}, {}])
        text = "\n".join(head_paragraphs(heads, "![heads](heads.png)"))
        columns = [column for group in head_columns(heads).values() for column in group]
        for column in columns:
            assert f"| {column.title.replace(chr(0xAD), '')} |" in text
            assert f"- {column.title.replace(chr(0xAD), '')}: " in text, "its meaning"
            for cell in column.cells:
                assert f"| {cell.text} ({cell.interval}) |" in text
        assert text.count("(0.290…0.310)") == 3, "a removal each"
        assert text.count("| uniform attention |") == 3
        assert MEANINGS["previous"] in text

    def test_what_must_be_known(self, make_table: Callable[..., HeadTable]) -> None:
        heads = replace(make_table([{}], without=["previous"]), windows=1, lossless_tokenizer=False)
        text = "\n".join(head_paragraphs(heads, ""))
        assert "- One window has no intervals" in text
        assert "- The tokenizer is lossy" in text
        assert "| – |" in text, "a kind that the text has not"


class TestSurprise:
    def test_what_a_tokenizer_drops(self) -> None:
        said = surprise_paragraphs(surprise(1, 2, lossless=False))[0]
        assert "1 character of this text" in said
        assert "not comparable with other models" in said
        assert "lossy" not in surprise_paragraphs(surprise(1, 2))[0]

    def test_a_first_token_after_nothing_has_no_rank(self) -> None:
        text = "\n".join(surprise_paragraphs(surprise(None, 2)))
        assert "uniform baseline" in text
        assert "None" not in text
        assert len(surprise_paragraphs(surprise(None))) == 1, "and nothing is left to list"


class TestLens:
    def test_what_each_layer_would_score(self) -> None:
        *_, said, losses = lens_paragraphs(lens(3.5))
        assert "10,000 characters" in said
        assert "| bits per character | 2.525 | 1.803 |" in losses
        assert "| change |  | -0.721 |" in losses
        assert len(lens_paragraphs(lens(None))) == 1

    def test_what_must_be_known(self) -> None:
        said = lens_paragraphs(lens(None, tied=True, residual=False))
        assert "the embedding" in said[0]
        assert "no residual stream" in said[1]
