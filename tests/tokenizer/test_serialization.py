"""A tokenizer comes back from its file as it was, and nothing else is taken for one."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from octavo.config import TokenizerConfig
from octavo.errors import OctavoError
from octavo.tokenizer import ByteBPE, Tokenizer, load_tokenizer, train_tokenizer

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
    assert (loaded.vocab_size, loaded.bos_id) == (tokenizer.vocab_size, tokenizer.bos_id)
    odd = "To be <|endoftext|> [PAD] <0x41> é\n\nquestion"
    assert loaded.encode(odd).tolist() == tokenizer.encode(odd).tolist()
    assert loaded.token_bytes() == tokenizer.token_bytes()
    if loaded.lossless:
        assert loaded.decode(loaded.encode(odd)) == odd
        assert loaded.bos_id not in loaded.encode(odd)


def test_a_tokenizer_of_an_earlier_version_encodes_as_it_did(
    older_bpe: ByteBPE, shakespeare: str, tmp_path: Path
) -> None:
    """The golden values come from the last version that split words as GPT-2 does."""
    older_bpe.save(tmp_path / "tokenizer.json")
    loaded = load_tokenizer(tmp_path / "tokenizer.json")
    assert loaded.kind == "bpe"
    assert loaded.fingerprint == "cdf2112ff7ff3eaed77b9842d0ad23024e333ade40feeb1b00012b06828afbe6"
    ids = loaded.encode(shakespeare).astype("<u2")
    assert hashlib.sha256(ids.tobytes()).hexdigest() == (
        "a59c1e9ce0fe72679298c0f721cd79bb94ca95d75e6182e10fecfaefd8fb1748"
    )
    assert loaded.encode("12 don't,\n\nहि é\r\n").tolist() == [
        *(17, 18, 287, 271, 7, 84, 12, 199, 199),  # the two digits are neighbours in one word, the comma is alone
        *(157, 98, 118, 157, 98, 124, 221, 128, 103, 202, 199),
    ]


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


def mutated(kind: Literal["bpe", "characters", "whitespace-bpe"], change: Callable[[dict[str, Any]], object]) -> str:
    parts = json.loads(trained(kind).pipeline.to_str())
    change(parts)
    return json.dumps(parts)


NFC = {"type": "NFC"}
GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
SPLIT = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}


@pytest.mark.parametrize(
    ("kind", "change", "says"),
    [
        ("bpe", lambda t: t.update(normalizer=NFC), "its normalizer is not as Octavo makes it"),
        ("bpe", lambda t: t.update(post_processor={"type": "BertProcessing"}), "its post_processor is not"),
        ("bpe", lambda t: t.update(truncation={"max_length": 1}), "its truncation is not"),
        ("bpe", lambda t: t.update(padding={"strategy": {"Fixed": 2**40}}), "its padding is not"),
        ("bpe", lambda t: t.update(decoder=None), "its decoder is not"),
        ("bpe", lambda t: t["pre_tokenizer"]["pretokenizers"].pop(0), "its pre_tokenizer is not"),
        ("bpe", lambda t: t["pre_tokenizer"]["pretokenizers"].insert(0, SPLIT), "its pre_tokenizer is not"),
        ("bpe", lambda t: t["pre_tokenizer"]["pretokenizers"].__setitem__(0, SPLIT), "its pre_tokenizer is not"),
        ("bpe", lambda t: t["pre_tokenizer"].update(pretokenizers=3), "its pre_tokenizer is not"),
        ("bpe", lambda t: t["pre_tokenizer"].update(more=1), "its pre_tokenizer is not"),
        ("bpe", lambda t: t.update(pre_tokenizer=GPT2 | {"use_regex": False}), "its pre_tokenizer is not"),
        ("bpe", lambda t: t.update(pre_tokenizer=GPT2 | {"add_prefix_space": True}), "its pre_tokenizer is not"),
        ("bpe", lambda t: t["model"].update(type="WordLevel"), "its type is not"),
        ("bpe", lambda t: t["model"].update(dropout=0.5), "its dropout is not"),
        ("bpe", lambda t: t["model"].update(unk_token="x"), "its unk_token is not"),
        ("bpe", lambda t: t["model"].update(end_of_word_suffix="x"), "its end_of_word_suffix is not"),
        ("bpe", lambda t: t["model"]["vocab"].update(more=2**32), "its ids are not 0, 1, 2 and so on"),
        ("bpe", lambda t: t["model"]["vocab"].update(more=5), "its ids are not 0, 1, 2 and so on"),
        ("bpe", lambda t: t["model"]["vocab"].update(more=-1), "its ids are not 0, 1, 2 and so on"),
        ("bpe", lambda t: t["model"]["vocab"].update(more=1.5), "an id is not a whole number"),
        ("bpe", lambda t: t["model"]["vocab"].update({"日": len(t["model"]["vocab"])}), "not made of bytes"),
        ("bpe", lambda t: t["model"]["vocab"].update({"": len(t["model"]["vocab"])}), "an empty token"),
        ("bpe", lambda t: t["model"]["merges"].append(["a", "\u0100"]), "not in its vocabulary"),
        ("bpe", lambda t: t["model"]["merges"].append(["a"]), "damaged"),
        ("bpe", lambda t: t["model"].update(merges=3), "damaged"),
        ("bpe", lambda t: t["added_tokens"].append(t["added_tokens"][0] | {"id": 2**31}), "damaged"),
        ("bpe", lambda t: t["added_tokens"][0].update(id=7), "its id is not"),
        ("bpe", lambda t: t["added_tokens"][0].update(lstrip=True), "its lstrip is not"),
        ("bpe", lambda t: t.update(added_tokens=[]), "damaged"),
        ("bpe", lambda t: add(t, "a" * 8005), "a token that is longer"),
        ("whitespace-bpe", lambda t: add(t, "a" * 8005), "it has a token that is longer"),
        ("characters", lambda t: rename(t, "<0x41>", "A"), "it has no token for <0x41>"),
        ("characters", lambda t: add(t, "th"), "it has tokens that are not single characters"),
        ("characters", lambda t: t["model"]["merges"].append(["<0x41>", "<0x42>"]), "its merges is not"),
        ("characters", lambda t: t.update(decoder={"type": "WordPiece"}), "its decoder is not"),
        ("whitespace-bpe", lambda t: t.update(added_tokens=t["added_tokens"][1:]), "damaged"),
        ("whitespace-bpe", lambda t: t.update(normalizer=SPLIT), "its normalizer is not"),
    ],
)
def test_what_octavo_does_not_make_is_refused_before_the_library_reads_it(
    kind: Literal["bpe", "characters", "whitespace-bpe"],
    change: Callable[[dict[str, Any]], object],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "tokenizer.json").write_text(mutated(kind, change))
    monkeypatch.setattr("octavo.tokenizer.serialization.Pipeline", None)
    with pytest.raises(OctavoError, match=says):
        load_tokenizer(tmp_path / "tokenizer.json")


def add(tokenizer: dict[str, Any], token: str) -> None:
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary[token] = len(vocabulary)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("letter", ["a", "日", "\U00020000", "\u3000", "!" * 999 + "\n" * 999 + " "])
def test_the_longest_words_that_training_takes_can_be_read_again(
    kind: Literal["bpe", "characters", "whitespace-bpe"], letter: str, tmp_path: Path
) -> None:
    text = f"so {letter * (20_000 // len(letter))} it is. " * 2
    tokenizer = train_tokenizer(TokenizerConfig(kind=kind, vocab_size=2000), text)
    tokenizer.save(tmp_path / "tokenizer.json")
    assert load_tokenizer(tmp_path / "tokenizer.json").vocab_size == tokenizer.vocab_size


def rename(tokenizer: dict[str, Any], old: str, new: str) -> None:
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary.pop(new, None)
    vocabulary[new] = vocabulary.pop(old)
    tokenizer["model"]["vocab"] = {
        token: number for number, token in enumerate(sorted(vocabulary, key=vocabulary.get))
    }


class PanicError(BaseException):
    """As the library's PanicException, which is no Exception."""


def test_a_panic_of_the_library_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained("bpe").save(tmp_path / "tokenizer.json")

    class Panics:
        @staticmethod
        def from_str(text: str) -> None:
            raise PanicError("index out of bounds")

    monkeypatch.setattr("octavo.tokenizer.serialization.Pipeline", Panics)
    with pytest.raises(OctavoError, match=r"is a damaged tokenizer\.json \(index out of bounds\)"):
        load_tokenizer(tmp_path / "tokenizer.json")


def test_ctrl_c_is_not_taken_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained("bpe").save(tmp_path / "tokenizer.json")

    class Stopped:
        @staticmethod
        def from_str(text: str) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("octavo.tokenizer.serialization.Pipeline", Stopped)
    with pytest.raises(KeyboardInterrupt):
        load_tokenizer(tmp_path / "tokenizer.json")


def test_one_that_is_too_large_is_neither_read_nor_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained("bpe").save(tmp_path / "tokenizer.json")
    monkeypatch.setattr("octavo.tokenizer.serialization.MAX_TOKENIZER_BYTES", 1000)
    with pytest.raises(OctavoError, match=r"bytes, .* 1,000"):
        load_tokenizer(tmp_path / "tokenizer.json")
    monkeypatch.setattr("octavo.tokenizer.base.MAX_TOKENIZER_BYTES", 1000)
    with pytest.raises(OctavoError, match=r"is too large: lower tokenizer\.vocab_size"):
        trained("bpe").save(tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()
