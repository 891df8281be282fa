"""Every strange text trains and comes back as it was, or is refused in one sentence that leaves nothing behind.

``python -m tests.texts.soak`` does more with each, with every kind of tokenizer.
"""

from pathlib import Path

import pytest
from tests.texts.collection import STRANGE
from tests.texts.trying import look_into, one_sentence, trained_or_refused

from octavo.config import DataConfig, TokenizerConfig
from octavo.corpus import Corpus, split
from octavo.data.prepare import prepare
from octavo.errors import OctavoError
from octavo.pipeline.run import Run

REFUSED = {
    "empty": "strange.txt is empty: give a text with at least one character",
    "one character": "the train split of strange would be empty, as the text has only 1 character: give more text or "
    "other fractions",
    "two characters": "2 characters are too few for a context of 16: use at least 18",
}
TOO_MANY = "tokenizer.vocab_size=512 is too small for this text, whose characters and the special tokens are"


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_text_trains_and_is_scored_or_is_refused(name: str, tmp_path: Path) -> None:
    came = trained_or_refused(STRANGE[name](), "bpe", tmp_path / "runs")
    assert came == REFUSED[name] if name in REFUSED else isinstance(came, Run)


@pytest.mark.parametrize("kind", ["characters", "whitespace-bpe"])
@pytest.mark.parametrize("name", sorted(STRANGE.keys() - REFUSED.keys()))
def test_and_comes_back_from_every_kind_of_tokens(name: str, kind: str) -> None:
    text = STRANGE[name]()
    try:
        config = TokenizerConfig(kind=kind)  # type: ignore[arg-type]  # it is one of those
        tokenizer, prepared = prepare(Corpus.from_text(text), DataConfig(), config)
    except OctavoError as refusal:
        said = one_sentence(str(refusal))
        assert said.startswith(TOO_MANY)
        assert kind == "whitespace-bpe"
        return
    parts = split(Corpus.from_text(text))
    for part, ids in prepared.values():
        assert part in parts
        if tokenizer.lossless:
            assert tokenizer.decode(ids.tolist()) == part.text
            assert b"".join(tokenizer.token_bytes()[i] for i in ids) == part.text.encode()


@pytest.mark.parametrize("name", ["only newlines", "only spaces"])
def test_a_text_of_white_space_makes_no_token_where_that_is_dropped(name: str, tmp_path: Path) -> None:
    said = trained_or_refused(STRANGE[name](), "whitespace-bpe", tmp_path / "runs")
    assert isinstance(said, str)
    assert said.startswith("20,000 characters ")
    assert "whitespace-bpe" in said
    assert "tokenizer.kind=bpe" in said


def test_all_can_be_done_with_such_a_run_and_its_pages_hold_no_control_character(strange: Run) -> None:
    assert "\x1b" in strange.validation_beginning(60)
    look_into(strange)
