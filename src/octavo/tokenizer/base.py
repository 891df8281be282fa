"""Define the base class of tokenizers, which run a pipeline of the Hugging Face ``tokenizers`` library."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer as Pipeline

from octavo.corpus.lazy_text import Text
from octavo.errors import OctavoError
from octavo.formats.files import write_atomically
from octavo.tokenizer.chunking import CHUNK_CHARACTERS, chunks

Ids = npt.NDArray[np.integer]

BOS_TOKEN = "<|endoftext|>"
MAX_TOKENIZER_BYTES = 2**26  # of a tokenizer.json with half a million tokens
_CHUNKS_PER_BATCH = 4  # the library encodes a batch on all cores, in some tenths of a second
STREAM_CHARACTERS = _CHUNKS_PER_BATCH * CHUNK_CHARACTERS  # about as many per array of :meth:`encode_stream`


class Tokenizer(ABC):
    """Convert text to token ids and back, by a pipeline; the subclasses train one and map tokens to bytes.

    Attributes:
        kind: its name in a config.
        lossless: whether ``decode(encode(text)) == text`` for every text.
        bos_id: the BOS token (``<|endoftext|>``), which :meth:`encode` never returns; None if there is none.
    """

    kind: str
    lossless: bool

    def __init__(self, pipeline: Pipeline) -> None:
        # "<|endoftext|>" within a text is text: it must not become the BOS token.
        pipeline.encode_special_tokens = True
        self.pipeline = pipeline
        self.bos_id: int | None = pipeline.token_to_id(BOS_TOKEN)

    @property
    def vocab_size(self) -> int:
        """The number of tokens."""
        return int(self.pipeline.get_vocab_size())

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the pipeline's JSON, which decides how it tokenizes."""
        return hashlib.sha256(self.pipeline.to_str().encode()).hexdigest()

    def encode(self, text: Text) -> npt.NDArray[np.int64]:
        """Return the token ids of `text`, without a BOS token.

        Raises:
            OctavoError: `text` contains a lone surrogate, which is not a character.
        """
        parts = list(self.encode_stream(text))
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    def encode_beginning(self, text: str, tokens: int) -> npt.NDArray[np.int64]:
        """Return the first `tokens` of the same ids, reading no more of `text` than necessary.

        Raises:
            OctavoError: as :meth:`encode`.
        """
        ids = np.empty(0, dtype=np.int64)
        for chunk in chunks(text):
            if len(ids) >= tokens:
                break
            ids = np.concatenate([ids, self._encode_chunks([chunk])])
        return ids[:tokens]

    def encode_stream(self, text: Text) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the same ids in several arrays, so that a long text needs little memory.

        Raises:
            OctavoError: as :meth:`encode`.
        """
        stream = chunks(text)
        while batch := list(islice(stream, _CHUNKS_PER_BATCH)):
            yield self._encode_chunks(batch)

    def characters_before(self, text: str, token: int) -> int:
        """Return the character position at which token number `token` (from 0) begins; the end if there is none."""
        position = 0
        for chunk in chunks(text):
            offsets = self.pipeline.encode(chunk, add_special_tokens=False).offsets
            if token < len(offsets):
                return position + int(offsets[token][0])
            token, position = token - len(offsets), position + len(chunk)
        return position

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """Return the text of token ids; bytes that are not UTF-8 become U+FFFD."""
        table = self._bytes
        return b"".join(table[i] for i in ids).decode("utf-8", errors="replace")

    def token_bytes(self) -> list[bytes]:
        """Return the UTF-8 bytes of each token id; the BOS token has none."""
        return list(self._bytes)

    def token_text(self, token_id: int) -> str:
        """Return a token as it is spelt in the vocabulary."""
        return str(self.pipeline.id_to_token(token_id))

    def save(self, path: Path) -> None:
        """Write it as Hugging Face ``tokenizer.json``.

        Raises:
            OctavoError: it would be larger than the limit for reading it again.
        """
        content = self.pipeline.to_str(pretty=True).encode()
        if len(content) > MAX_TOKENIZER_BYTES:
            raise OctavoError(f"a tokenizer.json of {len(content):,} bytes is too large: lower tokenizer.vocab_size")
        write_atomically(path, content)

    @cached_property
    def _bytes(self) -> list[bytes]:
        return [b"" if i == self.bos_id else self._bytes_of(self.token_text(i)) for i in range(self.vocab_size)]

    def _encode_chunks(self, texts: list[str]) -> npt.NDArray[np.int64]:
        try:
            encodings = self.pipeline.encode_batch_fast(texts, add_special_tokens=False)
        except (UnicodeEncodeError, TypeError):
            raise OctavoError(
                "the text contains a lone surrogate, which is not a character: decode it from its file again"
            ) from None
        return np.concatenate([np.asarray(e.ids, dtype=np.int64) for e in encodings])

    @abstractmethod
    def _bytes_of(self, token: str) -> bytes:
        """Return the bytes of a token of the vocabulary."""
