"""What a run shows of its inside, from Python."""

from typing import Any

import pytest

from octavo.errors import OctavoError
from octavo.pipeline.run import Run
from octavo.tokenizer.base import Tokenizer


def test_surprise_of_the_runs_own_text(trained: Run) -> None:
    shown = trained.surprise()
    assert trained.splits["validation"].text.startswith(shown.surprise.text)
    assert len(shown.surprise.text) == 2000
    assert shown.name == trained.name


def test_the_lens_takes_a_context_at_most(trained: Run) -> None:
    lens = trained.lens().lens
    assert len(lens.passage.ids) == trained.config.data.context_length
    assert len(trained.lens("some words", max_tokens=3).lens.passage.ids) == 3
    held_out = min(8192, len(trained.splits["validation"].ids))
    assert lens.held_out_tokens in (held_out, held_out - 1)  # but for a start token
    score = trained.evaluation
    assert (lens.held_out_tokens, lens.held_out_characters) == (score.tokens, score.characters), "all of it is read"
    assert lens.held_out_bits[-1] == pytest.approx(score.bits_per_character, rel=1e-4), (
        "so the last layer's is the score"
    )
    for most in (0, 33):
        with pytest.raises(OctavoError, match=f"{most} tokens are out of range: 2 to 32"):
            trained.lens("words", max_tokens=most)


class TestAttention:
    def test_of_the_runs_own_text(self, trained: Run) -> None:
        shown = trained.attention()
        assert shown.attention.passage == trained.lens(max_tokens=32).lens.passage, "this run sees 32 tokens"
        assert shown.of == "the first 32 tokens of its validation split"

    def test_a_text_is_cut_to_the_context_and_that_is_said(self, trained: Run) -> None:
        text = "Speak, speak. " * 9
        read = trained.tokenizer.characters_before(text, 31)
        assert 31 < read < len(text)
        assert trained.attention(text).of == f"the first 32 tokens of a text ({read} of {len(text)} characters)"
        assert trained.attention("Speak", max_tokens=2).of.startswith("the first 2 tokens of a text (")
        assert trained.attention("I", max_tokens=32).of == "all 2 tokens of a text"

    def test_of_a_long_context_a_usual_number_of_tokens_is_read(
        self, trained: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("octavo.interpret.run_analyses._GIVEN_TOKENS", 16)
        shown = trained.attention("Speak, speak. " * 9)
        assert (len(shown.attention.passage.ids), shown.complete) == (16, False)
        assert len(trained.attention("Speak, speak. " * 9, max_tokens=32).attention.passage.ids) == 32
        assert trained.attention("I").complete
        lens = trained.lens("Speak, speak. " * 9)
        assert (len(lens.lens.passage.ids), lens.complete) == (16, False)

    def test_no_more_tokens_are_shown_than_a_page_has_room_for(
        self, trained: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("octavo.config.inference._MAX_ATTENTION_WEIGHTS", 4 * 20**2)  # of four heads
        monkeypatch.setattr("octavo.config.inference._MAX_LENS_CELLS", 2 * 18)  # of two layers
        text = "Speak, speak. " * 9
        assert len(trained.attention(text).attention.passage.ids) == 20
        assert len(trained.lens(text).lens.passage.ids) == 18
        with pytest.raises(OctavoError, match="21 tokens are out of range: 2 to 20"):
            trained.attention(text, max_tokens=21)
        with pytest.raises(OctavoError, match="19 tokens are out of range: 2 to 18"):
            trained.lens(text, max_tokens=19)

    def test_figures_are_of_what_was_asked_for(self, trained: Run) -> None:
        assert list(trained.attention("Speak").figures()) == ["layer-0"]
        assert list(trained.attention("Speak", head=3).figures()) == ["layer-0-head-3"]
        for wrong in ({"layer": 1}, {"layer": -1}, {"head": 4}):
            with pytest.raises(OctavoError, match=r"there is no (layer|head)"):
                trained.attention("Speak", **wrong)


def test_of_a_long_text_only_the_beginning_is_tokenized(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = trained.splits["train"].text * 8
    short = trained.attention(text[:1000]).attention, trained.lens(text[:1000]).lens.passage
    tokenized: list[int] = []
    encoded = Tokenizer._encode_chunks

    def counted(self: Tokenizer, pieces: list[str]) -> Any:
        tokenized.append(sum(map(len, pieces)))
        return encoded(self, pieces)

    monkeypatch.setattr(Tokenizer, "_encode_chunks", counted)
    assert trained.attention(text).attention.passage == short[0].passage
    assert trained.lens(text).lens.passage == short[1]
    assert sum(tokenized) < len(text) / 2


def test_long_texts_are_watched(trained: Run) -> None:
    text = trained.splits["train"].text
    read: list[float] = []
    edited: list[float] = []
    trained.surprise(text, watch=read.append)
    trained.edit(text, zero="embedding", watch=edited.append)
    for shares in (read, edited):
        assert len(shares) > 4
        assert shares == sorted(shares)
        assert 0 <= shares[0] < 0.2
        assert 0.8 < shares[-1] < 1


def test_an_edit_says_what_it_was_measured_on(trained: Run) -> None:
    shown = trained.edit(zero="blocks.0.attention.head.1")
    assert shown.edit.text == trained.validation_beginning(300)
    tokens = len(trained.tokenizer.encode(shown.edit.text))
    said = f"measured on the beginning of the validation split: 300 characters, {tokens} tokens>"
    assert repr(shown).startswith(f"<EditView of {trained.name}: zero blocks.0.attention.head.1; ")
    assert repr(shown).endswith(f" bits per character; {said}")
    mean = trained.edit("Speak", mean="embedding").edit
    assert mean.mean_tokens == trained.lens("Speak").lens.held_out_tokens


def test_one_place_needs_no_list(trained: Run) -> None:
    one = trained.edit("Speak", zero="blocks.0.attention.head.1").edit
    assert one == trained.edit("Speak", zero=["blocks.0.attention.head.1"]).edit
    other = trained.edit("Speak", patch="embedding", other="Speak, speak, speak", mean="blocks.0.output").edit
    assert other.interventions == ("mean blocks.0.output", "patch embedding")


def test_results_show_themselves_in_a_notebook(trained: Run) -> None:
    for shown in (
        trained.attention("Speak"),
        trained.surprise("Speak"),
        trained.lens("Speak"),
        trained.edit("Speak", zero="embedding"),
        trained.heads("Speak, speak, speak."),
    ):
        assert "<iframe" in shown._repr_html_()


class TestHeads:
    def test_of_all_of_the_runs_own_text(self, trained: Run) -> None:
        told: list[float] = []
        shown = trained.heads(windows=4, watch=told.append)
        assert (shown.table.windows, shown.table.window_tokens, shown.name) == (4, 32, trained.name)
        assert shown.table.text == "the validation split"
        assert told == [0, 0.25, 0.5, 0.75], "a head a time"

    def test_of_a_text(self, trained: Run) -> None:
        text = trained.splits["validation"].text
        one, other = trained.heads(windows=4).table, trained.heads(text, windows=4).table
        assert other.text == "the given text"
        assert one.heads == other.heads


@pytest.mark.parametrize("given", [True, False])
def test_heads_are_measured_on_the_beginning_of_a_long_text(
    trained: Run, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    text = trained.splits["validation"].text if given else None
    assert trained.heads(text, windows=1).table.text == ("the given text" if given else "the validation split")
    beginning = trained.heads(trained.validation_beginning(600), windows=2).table
    monkeypatch.setattr("octavo.interpret.run_analyses._HEAD_CHARACTERS", 600)
    table = trained.heads(text, windows=2).table
    assert table.text == f"the first 600 characters of the {'given text' if given else 'validation split'}"
    assert table.heads == beginning.heads


def test_a_lens_on_many_tokens_is_read_in_groups(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained.lens("Speak, speak. " * 9).lens
    monkeypatch.setattr("octavo.interpret.lens._MAX_LOGITS", 5 * trained.tokenizer.vocab_size)
    lens = trained.lens("Speak, speak. " * 9).lens
    for layer, expected in zip(lens.layers, whole.layers, strict=True):
        assert [cell.rank for cell in layer.cells] == [cell.rank for cell in expected.cells]
        assert layer.cells[-1].nats is None
        nats = [[cell.nats for cell in one.cells[:-1]] for one in (layer, expected)]
        assert nats[0] == pytest.approx(nats[1], rel=1e-5)
