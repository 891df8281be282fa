"""A tokenizer comes back from its file as it was, and nothing else is taken for one."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from octavo.config import TokenizerConfig
from octavo.errors import OctavoError
from octavo.tokenizer import Tokenizer, load_tokenizer, train_tokenizer

KINDS: list[Literal["bpe", "characters", "whitespace-bpe"]] = ["bpe", "characters", "whitespace-bpe"]
TEXT = "To be, or not to be:\nthat is the question.\n\n" * 20


def trained(kind: Literal["bpe", "characters", "whitespace-bpe"]) -> Tokenizer:
    return train_tokenizer(TokenizerConfig(kind=kind, vocab_size=300), TEXT)


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_tokenizer_comes_back(kind: Literal["bpe", "characters", "whitespace-bpe"], tmp_path: Path) -> None:
    tokenizer = trained(kind)
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = load_tokenizer(tmp_path / "tokenizer.json")
    assert type(loaded) is type(tokenizer)
    assert loaded.kind == kind
    assert loaded.fingerprint == tokenizer.fingerprint
    assert (loaded.vocab_size, loaded.start_id) == (tokenizer.vocab_size, tokenizer.start_id)
    odd = "To be <|endoftext|> [PAD] <0x41> é\n\nquestion"
    assert loaded.encode(odd).tolist() == tokenizer.encode(odd).tolist()
    assert loaded.token_bytes() == tokenizer.token_bytes()
    if loaded.lossless:
        assert loaded.decode(loaded.encode(odd)) == odd
        assert loaded.start_id not in loaded.encode(odd)


def test_the_fingerprint_tells_tokenizers_apart() -> None:
    assert len({trained(kind).fingerprint for kind in KINDS}) == 3


@pytest.mark.parametrize(
    "content",
    [
        *("", "null", "[]", "{}", '"words"', "{", '{"model": 3, "pre_tokenizer": null}'),
        '{"model": {"byte_fallback": false}}',
        '{"model": {"type": "WordPiece"}, "pre_tokenizer": {"type": "Whitespace"}}',
    ],
)
def test_what_is_no_tokenizer_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(OctavoError, match=r"tokenizer\.json is not a tokenizer\.json: train the run again"):
        load_tokenizer(tmp_path / "tokenizer.json")


@pytest.mark.parametrize(
    "pre_tokenizer",
    [{"no": "type"}, "words", 3, ["ByteLevel"], {"type": "Metaspace"}, {"type": ["ByteLevel"]}, {"type": None}, None],
)
def test_a_tokenizer_of_another_kind_is_refused(pre_tokenizer: Any, tmp_path: Path) -> None:
    trained("bpe").save(tmp_path / "tokenizer.json")
    parts = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts | {"pre_tokenizer": pre_tokenizer}))
    with pytest.raises(OctavoError, match=r"tokenizer\.json is (not a tokenizer|a tokenizer of a kind that Octavo)"):
        load_tokenizer(tmp_path / "tokenizer.json")


def test_a_damaged_tokenizer_is_refused(tmp_path: Path) -> None:
    trained("bpe").save(tmp_path / "tokenizer.json")
    parts = json.loads((tmp_path / "tokenizer.json").read_text())
    parts["model"]["merges"].append(["not", "there"])
    (tmp_path / "tokenizer.json").write_text(json.dumps(parts))
    with pytest.raises(OctavoError, match=r"is a damaged tokenizer\.json .*: train the run again"):
        load_tokenizer(tmp_path / "tokenizer.json")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe\0{")
    with pytest.raises(OctavoError, match=r"is not a tokenizer\.json"):
        load_tokenizer(tmp_path / "tokenizer.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match=r"nowhere\.json cannot be read .*: is this the folder of a run\?"):
        load_tokenizer(tmp_path / "nowhere.json")
