"""A passage: a text as the model reads it, token by token, with a label for each that people can read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from octavo.errors import OctavoError
from octavo.tokenizer import Tokenizer

START = "⟨start⟩"  # the label of the token that begins a text


@dataclass(frozen=True)
class Passage:
    """T tokens that a model reads, the start token first where its tokenizer has one."""

    ids: tuple[int, ...]
    labels: tuple[str, ...]
    begun: bool  # whether ids[0] is the start token

    @property
    def input_ids(self) -> torch.Tensor:
        """(1, T), as a model takes them."""
        return torch.tensor([self.ids])

    @property
    def text_ids(self) -> tuple[int, ...]:
        """The ids without the start token."""
        return self.ids[self.begun :]


def read_passage(tokenizer: Tokenizer, text: str, most: int | None = None) -> Passage:
    """The first `most` tokens of a text, the start token among them; of a long text no more is tokenized.

    Raises:
        OctavoError: the tokenizer has no token for anything in the text.
    """
    beginning = None if most is None else max(0, most - (tokenizer.start_id is not None))
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
    start = tokenizer.start_id
    labels = token_labels(tokenizer, ids)
    if start is None:
        return Passage(tuple(ids), labels, begun=False)
    return Passage((start, *ids), (START, *labels), begun=True)


def token_labels(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[str, ...]:
    """What each token adds to a text; as the vocabulary writes it if the tokenizer loses text.

    A byte that is part of a character is written in hexadecimal, as ``⟨e2⟩``.
    """
    pieces = tokenizer.token_bytes()

    def label(token: int) -> str:
        if not tokenizer.lossless:
            return tokenizer.piece(token)
        return START if token == tokenizer.start_id else _label(pieces[token])

    labels = {token: label(token) for token in set(ids)}  # a long text has each of them many times
    return tuple(labels[token] for token in ids)


def _label(piece: bytes) -> str:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"⟨{byte:02x}⟩" for byte in piece)
