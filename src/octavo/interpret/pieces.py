"""Pieces: a text cut where tokens and characters both end.

A token can be a part of a character (one byte of an emoji) or half of a line end of Windows, so a piece is the
smallest run of tokens that makes whole characters and line ends. What a tokenizer drops, white space or characters it
never saw, is a piece of no tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from octavo.tokenizer import Tokenizer


@dataclass(frozen=True)
class Piece:
    """Characters of a text, and the tokens that stand for them: from `begin` to before `end`."""

    text: str
    begin: int
    end: int

    @property
    def dropped(self) -> bool:
        """Whether the tokenizer has nothing for these characters."""
        return self.begin == self.end


def pieces_of(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> tuple[Piece, ...]:
    """The pieces of `text`, whose tokens are `ids`; joined they are the text again."""
    return tuple(each_piece(tokenizer, text, ids))


def each_piece(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> Iterator[Piece]:
    """Yield the same pieces, of which a long text has millions."""
    return _whole(tokenizer, ids) if tokenizer.lossless else _found(tokenizer, text, ids)


def _whole(tokenizer: Tokenizer, ids: Sequence[int]) -> Iterator[Piece]:
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
        yield Piece(text, begin, index + 1)
        waiting, begin = b"", index + 1


def _found(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> Iterator[Piece]:
    """The tokens are some of the text: each of their characters is the next of its kind, since one that is dropped is
    of no token."""
    done = 0
    for index, token in enumerate(ids):
        places, end = [], done
        for character in tokenizer.piece(token):
            places.append(text.index(character, end))
            end = places[-1] + 1
        begin = places[0]
        if begin > done:
            yield Piece(text[done:begin], index, index)
        yield Piece(text[begin:end], index, index + 1)
        done = end
    if done < len(text):
        yield Piece(text[done:], len(ids), len(ids))
