"""Train the tokenizer of a config, or load the one of a run after its ``tokenizer.json`` is checked.

The library accepts far more than Octavo writes: normalizers, templates, regular expressions. A file is therefore
loaded only if its JSON has exactly the parts of one of Octavo's kinds, and one token for each id.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Pipeline

from octavo.config import TokenizerConfig
from octavo.corpus.lazy_text import Text
from octavo.errors import OctavoError, reason
from octavo.formats.untrusted import parse_json, read_plain
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer.base import BOS_TOKEN, MAX_TOKENIZER_BYTES, Tokenizer
from octavo.tokenizer.chunking import MAX_RUN_LENGTH
from octavo.tokenizer.kinds import BYTE_OF, SPECIAL_TOKENS, WORD_PATTERN, ByteBPE, Characters, WhitespaceBPE

# Letters of a token: a space, a run of symbols and a run of line breaks, of at most four bytes a character. Without
# this limit a short list of ids could become a text of any length.
_MAX_TOKEN_LENGTH = 4 * (2 * MAX_RUN_LENGTH + 1)
_BYTE_TOKENS = [f"<0x{byte:02X}>" for byte in range(256)]
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
_SPLIT = {"type": "Split", "pattern": {"Regex": WORD_PATTERN}, "behavior": "Isolated", "invert": False}
_GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
# By kind: the splits that it may have, the decoder, the special tokens, and the tokens that are always there.
_PARTS: dict[str, tuple[list[Any], Any, list[str], list[str]]] = {
    "bpe": (
        [{"type": "Sequence", "pretokenizers": [_SPLIT, _BYTE_LEVEL]}, _GPT2],
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        [BOS_TOKEN],
        list(BYTE_OF),
    ),
    "characters": (
        [None],
        {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
        [BOS_TOKEN],
        _BYTE_TOKENS,
    ),
    "whitespace-bpe": ([{"type": "Whitespace"}], None, SPECIAL_TOKENS, []),
}


def detect_kind(tokenizer: Mapping[str, Any]) -> str | None:
    """Return the kind with the same pre-tokenizer; None if it is none of Octavo's."""
    before, byte_fallback = tokenizer["pre_tokenizer"], bool(tokenizer["model"]["byte_fallback"])
    name = before["type"] if before else None
    if not before:
        return "characters" if before is None and byte_fallback else None
    kinds = {"Sequence": "bpe", "ByteLevel": "bpe", "Whitespace": "whitespace-bpe"}
    return kinds.get(name) if isinstance(name, str) else None


def check_tokenizer_json(tokenizer: Mapping[str, Any], kind: str) -> None:
    """Check that parsed JSON is a tokenizer of `kind`, and nothing more.

    Raises:
        ValueError: it is not.
        LookupError, TypeError, AttributeError: it does not have the structure of a tokenizer.
    """
    splits, decoder, special, letters = _PARTS[kind]
    model = tokenizer["model"]
    vocabulary, merges = model["vocab"], model["merges"]
    if tokenizer["pre_tokenizer"] not in splits:
        raise ValueError("its pre_tokenizer is not as Octavo makes it")
    _check_only({"version": "1.0", "decoder": decoder}, tokenizer, {"pre_tokenizer", "model", "added_tokens"})
    _check_only({"type": "BPE", "byte_fallback": kind == "characters"}, model, {"vocab", "merges"})
    if not all(type(token) is int for token in vocabulary.values()):
        raise ValueError("an id is not a whole number")
    if sorted(vocabulary.values()) != list(range(len(vocabulary))):
        raise ValueError("its ids are not 0, 1, 2 and so on")
    for token, added in zip(special, tokenizer["added_tokens"], strict=True):
        _check_only({"id": vocabulary[token], "content": token, "special": True}, added, set())
    if missing := [letter for letter in letters if letter not in vocabulary]:
        raise ValueError(f"it has no token for {missing[0]}")
    if kind == "bpe" and not set().union(*vocabulary.keys() - {BOS_TOKEN}) <= BYTE_OF.keys():
        raise ValueError("it has tokens that are not made of bytes")
    if kind == "characters":  # a longer token would replace its letters in a text
        _check_only({"merges": []}, model, model.keys() - {"merges"})
        if any(len(token) > 1 for token in vocabulary.keys() - {BOS_TOKEN, *_BYTE_TOKENS}):
            raise ValueError("it has tokens that are not single characters")
    if "" in vocabulary:
        raise ValueError("it has an empty token")
    if any(len(token) > _MAX_TOKEN_LENGTH for token in vocabulary):
        raise ValueError("it has a token that is longer than training allows")
    for left, right in merges:
        if not {left, right, left + right} <= vocabulary.keys():
            raise ValueError("it merges tokens that are not in its vocabulary")


def _check_only(expected: Mapping[str, Any], found: Mapping[str, Any], others: set[str]) -> None:
    """Raise ValueError unless `found` has all of `expected`, and apart from `others` only values that are off."""
    for name in expected.keys() | found.keys() - others:
        value = found.get(name)
        if not (value == expected[name] if name in expected else value is None or value is False):
            raise ValueError(f"its {name[:40]} is not as Octavo makes it")


_KINDS: dict[str, type[ByteBPE | Characters | WhitespaceBPE]] = {
    kind.kind: kind for kind in (ByteBPE, Characters, WhitespaceBPE)
}


def train_tokenizer(config: TokenizerConfig, text: Text, watch: ProgressCallback = no_progress) -> Tokenizer:
    """Train a tokenizer of the kind and size that `config` names on `text`; `watch` receives the fraction
    that was read.

    Raises:
        OctavoError: the size is too small for the kind.
    """
    return _KINDS[config.kind].train(text, config.vocab_size, watch)


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a ``tokenizer.json`` that Octavo wrote; its parts show its kind.

    Raises:
        OctavoError: the file is missing, is not a tokenizer, or is one that Octavo does not write.
    """
    try:
        content = read_plain(path, MAX_TOKENIZER_BYTES, path.parent)
        parsed = parse_json(content)
        kind = detect_kind(parsed)
    except OSError as error:
        raise OctavoError(f"{path} cannot be read ({error.strerror}): is this the folder of a run?") from None
    except (ValueError, KeyError, TypeError):
        raise OctavoError(f"{path} is not a tokenizer.json: train the run again") from None
    if kind is None:
        raise OctavoError(f"{path} is a tokenizer of a kind that Octavo does not make: use one of its own runs")
    try:
        check_tokenizer_json(parsed, kind)
        return _KINDS[kind](_pipeline(content.decode("utf-8")))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OctavoError(f"{path} is a damaged tokenizer.json ({error}): train the run again") from None


def _pipeline(text: str) -> Pipeline:
    """Load a pipeline. Raise ValueError if the library, which raises Exception or panics with BaseException,
    cannot."""
    try:
        return Pipeline.from_str(text)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise ValueError(reason(error)) from None
