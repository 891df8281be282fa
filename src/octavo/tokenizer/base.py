"""What every tokenizer can do: text to token ids and back.

What the three tokenizers share: each is a pipeline of the Hugging Face ``tokenizers`` library.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer as Pipeline

from octavo.corpus.lazy_text import Text
from octavo.errors import OctavoError
from octavo.formats.files import write_atomically
from octavo.tokenizer.chunking import CHUNK_CHARACTERS, chunks

Ids = npt.NDArray[np.integer]


class Tokenizer(Protocol):
    """Text <-> token ids.

    ``kind`` is its name in a config; ``lossless`` says that ``decode(encode(text)) == text`` for any text;
    ``bos_id`` is the token that begins a text and is never produced by :meth:`encode`, or None.
    """

    kind: str
    lossless: bool
    bos_id: int | None

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

    def token_text(self, token_id: int) -> str:
        """A token as the vocabulary writes it, for people to look at."""

    def save(self, path: Path) -> None:
        """Write it as Hugging Face ``tokenizer.json``."""


BOS_TOKEN = "<|endoftext|>"
MAX_TOKENIZER_BYTES = 2**26  # of a tokenizer.json: half a million tokens
_CHUNKS_PER_BATCH = 4  # the library encodes a batch of texts on all cores; one takes some tenths of a second
STREAM_CHARACTERS = (
    _CHUNKS_PER_BATCH * CHUNK_CHARACTERS
)  # characters, about, that one array of :meth:`encode_stream` stands for


class HuggingFaceTokenizer(ABC):
    """A :class:`~octavo.tokenizer.base.Tokenizer` around a pipeline; the kinds add how to train one
    and what bytes a token stands for."""

    kind: str
    lossless: bool

    def __init__(self, pipeline: Pipeline) -> None:
        # A text that happens to contain "<|endoftext|>" is a text: it must not become the start token.
        pipeline.encode_special_tokens = True
        self.pipeline = pipeline
        self.bos_id: int | None = pipeline.token_to_id(BOS_TOKEN)

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return int(self.pipeline.get_vocab_size())

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the pipeline's JSON."""
        return hashlib.sha256(self.pipeline.to_str().encode()).hexdigest()

    def encode(self, text: Text) -> npt.NDArray[np.int64]:
        """The token ids of `text`.

        Raises:
            OctavoError: `text` holds half a surrogate pair, which is no character.
        """
        parts = list(self.encode_stream(text))
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def encode_beginning(self, text: str, tokens: int) -> npt.NDArray[np.int64]:
        """The first `tokens` of the same ids, from no more of `text` than it takes.

        Raises:
            OctavoError: as :meth:`encode`.
        """
        ids = np.empty(0, dtype=np.int64)
        for piece in chunks(text):
            if len(ids) >= tokens:
                break
            ids = np.concatenate([ids, self._encoded([piece])])
        return ids[:tokens]

    def encode_stream(self, text: Text) -> Iterator[npt.NDArray[np.int64]]:
        """The same ids in several arrays.

        Raises:
            OctavoError: as :meth:`encode`.
        """
        pieces = chunks(text)
        while group := list(islice(pieces, _CHUNKS_PER_BATCH)):
            yield self._encoded(group)

    def characters_before(self, text: str, token: int) -> int:
        """Where in `text` its token number `token` (from 0) begins, in characters; the end if there is none."""
        passed = 0
        for piece in chunks(text):
            offsets = self.pipeline.encode(piece, add_special_tokens=False).offsets
            if token < len(offsets):
                return passed + int(offsets[token][0])
            token, passed = token - len(offsets), passed + len(piece)
        return passed

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """The text of token ids; bytes that are no UTF-8 become U+FFFD."""
        table = self._bytes
        return b"".join(table[i] for i in ids).decode("utf-8", errors="replace")

    def token_bytes(self) -> list[bytes]:
        """What each token id adds to a text."""
        return list(self._bytes)

    def token_text(self, token_id: int) -> str:
        """A token as the vocabulary writes it."""
        return str(self.pipeline.id_to_token(token_id))

    def save(self, path: Path) -> None:
        """Write ``tokenizer.json``.

        Raises:
            OctavoError: it would be larger than one that is read again.
        """
        content = self.pipeline.to_str(pretty=True).encode()
        if len(content) > MAX_TOKENIZER_BYTES:
            raise OctavoError(f"a tokenizer.json of {len(content):,} bytes is too large: lower tokenizer.vocab_size")
        write_atomically(path, content)

    @cached_property
    def _bytes(self) -> list[bytes]:
        return [b"" if i == self.bos_id else self._bytes_of(self.token_text(i)) for i in range(self.vocab_size)]

    def _encoded(self, pieces: list[str]) -> npt.NDArray[np.int64]:
        try:
            encodings = self.pipeline.encode_batch_fast(pieces, add_special_tokens=False)
        except (UnicodeEncodeError, TypeError):
            raise OctavoError(
                "the text holds half a surrogate pair, which is no character: decode it from its file anew"
            ) from None
        return np.concatenate([np.asarray(e.ids, dtype=np.int64) for e in encodings])

    @abstractmethod
    def _bytes_of(self, piece: str) -> bytes:
        """What a piece of the vocabulary adds to a text."""
