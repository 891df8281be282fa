"""Text for people to look at: labels of tokens, in which all is seen, and running text, whose words stay whole.

A passage: a text as the model reads it, token by token, with a label for each that people can read.

Pieces: a text cut where tokens and characters both end.

A token can be a part of a character (one byte of an emoji) or half of a line end of Windows, so a piece is the
smallest run of tokens that makes whole characters and line ends. What a tokenizer drops, white space or characters it
never saw, is a piece of no tokens.
"""

import unicodedata
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.errors import OctavoError
from octavo.system.terminal import CONTROL, escape_character, escape_controls
from octavo.tokenizer import Tokenizer

_SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "\\r"}  # a token "\r" is half of a line end
_JOINERS = "\u200c\u200d"  # are spelling between two letters
_NO_LETTER = "◌"  # the usual sign for what a combining mark stands on


def visible_label(label: str) -> str:
    """Return the label of a token with a sign for each line end, space and tab.

    What else does not show is written as \\xa0 or \\u200b. Joiners stay where they join something, and a combining
    mark that has no letter stands on a dotted circle.
    """
    return _based("".join(_SIGNS.get(c) or c for c in _written_out(label, _SIGNS)))


def inline_label(label: str) -> str:
    """Return the label of a token that stands among others as text: spaces and line ends of all kinds are kept."""
    spaces = {*_SIGNS, *(c for c in label if unicodedata.category(c) == "Zs")}
    return _based("".join(c if c in " \n" else _SIGNS.get(c) or c for c in _written_out(label, spaces)))


def visible_text(text: str, *, lines: bool = False) -> str:
    """Return running text with a sign for each tab and for each line end, unless its `lines` are kept.

    Control characters are written out; joiners and spaces of all kinds stay, so that words stay whole.
    """
    text = escape_controls(text).replace("\t", _SIGNS["\t"])
    return text if lines else text.replace("\n", _SIGNS["\n"])


def _written_out(label: str, kept: Container[str]) -> list[str]:
    """Return the characters of a label, by their numbers those that do not show and are not `kept`."""
    label = label.replace("\r\n", "\n")
    return [c if c in kept or _shows(label, place) else escape_character(c) for place, c in enumerate(label)]


def _shows(label: str, place: int) -> bool:
    """Return whether a character of a label is to be seen, or acts on what is seen around it."""
    character = label[place]
    if character in _JOINERS:
        return 0 < place < len(label) - 1
    if "\ufe00" <= character <= "\ufe0f":  # says how the character before it is drawn
        return place > 0
    return character.isprintable() and not CONTROL.match(character)


def _based(label: str) -> str:
    """Return a label whose first combining mark, if it begins with one, stands on a dotted circle."""
    return _NO_LETTER + label if label and unicodedata.category(label[0]).startswith("M") else label


BOS_LABEL = "⟨start⟩"  # the label of the token that begins a text


@dataclass(frozen=True)
class Passage:
    """T tokens that a model reads, the start token first where its tokenizer has one."""

    ids: tuple[int, ...]
    labels: tuple[str, ...]
    has_bos: bool  # whether ids[0] is the start token

    @property
    def input_ids(self) -> torch.Tensor:
        """(1, T), as a model takes them."""
        return torch.tensor([self.ids])

    @property
    def text_ids(self) -> tuple[int, ...]:
        """The ids without the start token."""
        return self.ids[self.has_bos :]


def read_passage(tokenizer: Tokenizer, text: str, most: int | None = None) -> Passage:
    """The first `most` tokens of a text, the start token among them; of a long text no more is tokenized.

    Raises:
        OctavoError: the tokenizer has no token for anything in the text.
    """
    beginning = None if most is None else max(0, most - (tokenizer.bos_id is not None))
    ids = read_ids(tokenizer, text, None if beginning is None else max(1, beginning))
    return passage_of(tokenizer, ids[:beginning].tolist())


def read_ids(tokenizer: Tokenizer, text: str, most: int | None = None) -> npt.NDArray[np.int64]:
    """Return the ids of a text, or the first `most` of them.

    Raises:
        OctavoError: the tokenizer has no token for anything in the text.
    """
    ids = tokenizer.encode(text) if most is None else tokenizer.encode_beginning(text, most)
    if not len(ids):
        raise OctavoError("the text has nothing that the run's tokenizer knows: give some words")
    return ids


def passage_of(tokenizer: Tokenizer, ids: Sequence[int]) -> Passage:
    """The passage of token ids that are without a start token."""
    start = tokenizer.bos_id
    labels = token_labels(tokenizer, ids)
    if start is None:
        return Passage(tuple(ids), labels, has_bos=False)
    return Passage((start, *ids), (BOS_LABEL, *labels), has_bos=True)


def token_labels(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[str, ...]:
    """What each token adds to a text; as the vocabulary writes it if the tokenizer loses text.

    A byte that is part of a character is written in hexadecimal, as ``⟨e2⟩``.
    """
    pieces = tokenizer.token_bytes()

    def label(token: int) -> str:
        if not tokenizer.lossless:
            return tokenizer.token_text(token)
        return BOS_LABEL if token == tokenizer.bos_id else _label(pieces[token])

    labels = {token: label(token) for token in set(ids)}  # a long text has each of them many times
    return tuple(labels[token] for token in ids)


def _label(piece: bytes) -> str:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"⟨{byte:02x}⟩" for byte in piece)


@dataclass(frozen=True)
class Alignment:
    """Characters of a text, and the tokens that stand for them: from `begin` to before `end`."""

    text: str
    begin: int
    end: int

    @property
    def dropped(self) -> bool:
        """Whether the tokenizer has nothing for these characters."""
        return self.begin == self.end


def align(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> tuple[Alignment, ...]:
    """The pieces of `text`, whose tokens are `ids`; joined they are the text again."""
    return tuple(iter_alignments(tokenizer, text, ids))


def iter_alignments(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> Iterator[Alignment]:
    """Yield the same pieces, of which a long text has millions."""
    return _whole(tokenizer, ids) if tokenizer.lossless else _found(tokenizer, text, ids)


def _whole(tokenizer: Tokenizer, ids: Sequence[int]) -> Iterator[Alignment]:
    """The tokens are the text: a piece ends where their bytes so far are whole characters and line ends."""
    table, waiting, begin = tokenizer.token_bytes(), b"", 0
    for index, token in enumerate(ids):
        waiting += table[token]
        if waiting.endswith(b"\r") and index + 1 < len(ids) and table[ids[index + 1]].startswith(b"\n"):
            continue
        try:
            text = waiting.decode("utf-8")
        except UnicodeDecodeError:
            continue
        yield Alignment(text, begin, index + 1)
        waiting, begin = b"", index + 1


def _found(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> Iterator[Alignment]:
    """The tokens are some of the text: each of their characters is the next of its kind, since one that is dropped is
    of no token."""
    done = 0
    for index, token in enumerate(ids):
        places, end = [], done
        for character in tokenizer.token_text(token):
            places.append(text.index(character, end))
            end = places[-1] + 1
        begin = places[0]
        if begin > done:
            yield Alignment(text[done:begin], index, index)
        yield Alignment(text[begin:end], index, index + 1)
        done = end
    if done < len(text):
        yield Alignment(text[done:], len(ids), len(ids))
