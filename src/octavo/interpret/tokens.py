"""Show tokens to people: labels, passages (tokens with their labels), and the alignment of tokens and characters.

A label makes every character of a token visible. A token can be a part of a character (one byte of an emoji) or half
of a Windows line end, so an :class:`Alignment` is the smallest run of tokens that makes complete characters and line
ends. Characters that a tokenizer drops, such as white space, form an alignment without tokens.
"""

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.errors import OctavoError
from octavo.system.terminal import CONTROL, escape_character, escape_controls
from octavo.tokenizer import Tokenizer

_SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "\\r"}  # a token "\r" is half of a Windows line end
_JOINERS = "\u200c\u200d"  # belong to the spelling between two letters
_SELECTORS = "".join(map(chr, range(0xFE00, 0xFE10)))  # variation selectors of the character before them
_NO_LETTER = "◌"  # the usual base of a combining mark without a letter


def visible_label(label: str) -> str:
    """Return a token's label with a sign for each line end, space and tab.

    Other invisible characters are escaped, as \\xa0 or \\u200b. Joiners between two letters stay, and a combining
    mark without a letter gets a dotted circle.
    """
    return _based("".join(_SIGNS.get(c) or c for c in _written_out(label, _SIGNS)))


def inline_label(label: str) -> str:
    """Return a token's label for running text: spaces and line ends of all kinds stay as they are.

    So do joiners at its edges, which join it to its neighbours, unless nothing of the label would be seen.
    """
    kept = {*_SIGNS, *(c for c in label if unicodedata.category(c) == "Zs")}
    if set(label) - {*_JOINERS, *_SELECTORS}:
        kept |= {*_JOINERS, *_SELECTORS}
    return _based("".join(c if c in " \n" else _SIGNS.get(c) or c for c in _written_out(label, kept)))


def visible_text(text: str, *, lines: bool = False) -> str:
    """Return running text with a sign for each tab and, unless `lines` are kept, for each line end.

    Control characters are escaped. Joiners and spaces of all kinds stay, so that words are not torn apart.
    """
    text = escape_controls(text).replace("\t", _SIGNS["\t"])
    return text if lines else text.replace("\n", _SIGNS["\n"])


def _written_out(label: str, kept: Container[str]) -> list[str]:
    """Return the characters of a label; those that are invisible and not `kept` are escaped."""
    label = label.replace("\r\n", "\n")
    return [c if c in kept or _is_visible(label, index) else escape_character(c) for index, c in enumerate(label)]


def _is_visible(label: str, index: int) -> bool:
    """Return whether a character of a label is visible, or changes the characters around it."""
    character = label[index]
    if character in _JOINERS:
        return 0 < index < len(label) - 1
    if character in _SELECTORS:
        return index > 0
    return character.isprintable() and not CONTROL.match(character)


def _based(label: str) -> str:
    """Return a label; one that begins with a combining mark gets a dotted circle before it."""
    begins_with_mark = label[:1] not in _SELECTORS and unicodedata.category(label[0]).startswith("M")
    return _NO_LETTER + label if begins_with_mark else label


BOS_LABEL = "⟨BOS⟩"  # the label of the BOS token


@dataclass(frozen=True)
class Passage:
    """T tokens that a model reads, with their labels; the BOS token is first if the tokenizer has one."""

    ids: tuple[int, ...]
    labels: tuple[str, ...]
    has_bos: bool  # whether ids[0] is the BOS token

    @property
    def input_ids(self) -> torch.Tensor:
        """Return the ids as the input of a model, (1, T)."""
        return torch.tensor([self.ids])

    @property
    def text_ids(self) -> tuple[int, ...]:
        """Return the ids without the BOS token."""
        return self.ids[self.has_bos :]


def read_passage(tokenizer: Tokenizer, text: str, max_tokens: int | None = None) -> Passage:
    """Tokenize the first `max_tokens` tokens of a text, the BOS token included; the rest is not tokenized.

    Raises:
        OctavoError: the tokenizer has no token for any character of the text.
    """
    count = None if max_tokens is None else max(0, max_tokens - (tokenizer.bos_id is not None))
    ids = read_ids(tokenizer, text, None if count is None else max(1, count))
    return passage_of(tokenizer, ids[:count].tolist())


def read_ids(tokenizer: Tokenizer, text: str, max_tokens: int | None = None) -> npt.NDArray[np.int64]:
    """Return the ids of a text, or the first `max_tokens` of them, (N,).

    Raises:
        OctavoError: the tokenizer has no token for any character of the text.
    """
    ids = tokenizer.encode(text) if max_tokens is None else tokenizer.encode_beginning(text, max_tokens)
    if not len(ids):
        raise OctavoError("the run's tokenizer has no token for any character of the text: give some words")
    return ids


def passage_of(tokenizer: Tokenizer, ids: Sequence[int]) -> Passage:
    """Return the passage of token ids without BOS token."""
    bos_id = tokenizer.bos_id
    labels = token_labels(tokenizer, ids)
    if bos_id is None:
        return Passage(tuple(ids), labels, has_bos=False)
    return Passage((bos_id, *ids), (BOS_LABEL, *labels), has_bos=True)


def token_labels(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[str, ...]:
    """Return the text that each token adds; if the tokenizer is lossy, the token's text in the vocabulary.

    A byte that is part of a character is written in hexadecimal, as ``⟨e2⟩``.
    """
    table = tokenizer.token_bytes()

    def label(token: int) -> str:
        if not tokenizer.lossless:
            return tokenizer.token_text(token)
        return BOS_LABEL if token == tokenizer.bos_id else _label(table[token])

    labels = {token: label(token) for token in set(ids)}  # a long text has each token many times
    return tuple(labels[token] for token in ids)


def _label(token: bytes) -> str:
    try:
        return token.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"⟨{byte:02x}⟩" for byte in token)


@dataclass(frozen=True)
class Alignment:
    """Characters of a text and their tokens, from `begin` to `end` (exclusive)."""

    text: str
    begin: int
    end: int

    @property
    def dropped(self) -> bool:
        """Return whether the tokenizer has no token for these characters."""
        return self.begin == self.end


def align(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> tuple[Alignment, ...]:
    """Return the alignments of `text`, whose tokens are `ids`; their texts joined are `text`."""
    return tuple(iter_alignments(tokenizer, text, ids))


def iter_alignments(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> Iterator[Alignment]:
    """Yield the alignments of :func:`align`, of which a long text has millions."""
    return _align_bytes(tokenizer, ids) if tokenizer.lossless else _align_characters(tokenizer, text, ids)


def _align_bytes(tokenizer: Tokenizer, ids: Sequence[int]) -> Iterator[Alignment]:
    """Yield an alignment wherever the bytes of the tokens so far are complete characters and line ends."""
    table, pending, begin = tokenizer.token_bytes(), b"", 0
    for index, token in enumerate(ids):
        pending += table[token]
        if pending.endswith(b"\r") and index + 1 < len(ids) and table[ids[index + 1]].startswith(b"\n"):
            continue
        try:
            text = pending.decode("utf-8")
        except UnicodeDecodeError:
            continue
        yield Alignment(text, begin, index + 1)
        pending, begin = b"", index + 1


def _align_characters(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> Iterator[Alignment]:
    """Find each character of the tokens at its next occurrence in the text.

    This is exact, because the tokenizer drops either all occurrences of a character or none.
    """
    done = 0
    for index, token in enumerate(ids):
        indices, end = [], done
        for character in tokenizer.token_text(token):
            indices.append(text.index(character, end))
            end = indices[-1] + 1
        begin = indices[0]
        if begin > done:
            yield Alignment(text[done:begin], index, index)
        yield Alignment(text[begin:end], index, index + 1)
        done = end
    if done < len(text):
        yield Alignment(text[done:], len(ids), len(ids))


_BYTES = re.compile("(?:⟨[0-9a-f]{2}⟩)+")
_RIGHT_TO_LEFT = ("R", "AL")


def text_direction(labels: Iterable[str]) -> str:
    """Return "rtl" if most letters of the labels are read from right to left, else "ltr".

    The first letter, by which a browser would decide, is often a name in another script.
    """
    text = _BYTES.sub(lambda match: _decode_label(match[0]), "".join(label for label in labels if label != BOS_LABEL))
    kinds = [unicodedata.bidirectional(character) for character in text]
    return "rtl" if sum(map(kinds.count, _RIGHT_TO_LEFT)) > kinds.count("L") else "ltr"


def is_placeholder(label: str) -> bool:
    """Return whether a label stands for something unprintable: the BOS token, or a part of a character."""
    return label == BOS_LABEL or _BYTES.search(label) is not None


def _decode_label(label: str) -> str:
    """Return the characters of hexadecimal bytes, of which some may be missing."""
    return bytes.fromhex(re.sub("[⟨⟩]+", " ", label)).decode("utf-8", errors="ignore")
