"""What every tokenizer can do: text to token ids and back."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from octavo.corpus.filed import Text

Ids = npt.NDArray[np.integer]


class Tokenizer(Protocol):
    """Text <-> token ids.

    ``kind`` is its name in a config; ``lossless`` says that ``decode(encode(text)) == text`` for any text;
    ``start_id`` is the token that begins a text and is never produced by :meth:`encode`, or None.
    """

    kind: str
    lossless: bool
    start_id: int | None

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides how it tokenizes."""

    def encode(self, text: Text) -> npt.NDArray[np.int64]:
        """The token ids of `text`, without a start token."""

    def encode_beginning(self, text: str, tokens: int) -> npt.NDArray[np.int64]:
        """The first `tokens` of the same ids, or all if there are fewer; the rest of a long text is not looked at."""

    def encode_stream(self, text: Text) -> Iterator[npt.NDArray[np.int64]]:
        """The same ids in several arrays, so that a long text needs little memory."""

    def characters_before(self, text: str, token: int) -> int:
        """Where in `text` its token number `token` (from 0) begins, in characters."""

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """The text of token ids; bytes that are no UTF-8 become U+FFFD."""

    def token_bytes(self) -> list[bytes]:
        """What each token id adds to a text, in UTF-8; the start token adds nothing."""

    def piece(self, token_id: int) -> str:
        """A token as the vocabulary writes it, for people to look at."""

    def save(self, path: Path) -> None:
        """Write it as Hugging Face ``tokenizer.json``."""
