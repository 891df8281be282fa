"""One token a character; a character outside the vocabulary is written as its UTF-8 bytes. Lossless."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tokenizers import AddedToken, decoders, models
from tokenizers import Tokenizer as Pipeline

from octavo.corpus.filed import Text, pieces
from octavo.errors import OctavoError
from octavo.tokenizer.hugging_face import START, HuggingFaceTokenizer

_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")
_BYTES_AND_START = 257
_MOST = 8192  # tokens where no size is given


@dataclass(frozen=True)
class Coverage:
    """Record how much of the text that it learned from a vocabulary of characters covers."""

    distinct: int  # characters
    known: int  # of them, which have a token of their own
    share_left_out: float  # of the text, in the other ones

    def words(self) -> str:
        """In a sentence."""
        return (
            f"{self.known:,} of {self.distinct:,} distinct characters have a token of their own; the others "
            f"({100 * self.share_left_out:.2g} % of the text) are written as bytes; "
            f"tokenizer.vocab_size={_BYTES_AND_START + self.distinct} holds all"
        )


class Characters(HuggingFaceTokenizer):
    """BPE without merges and with byte fallback: what the library has that comes to single characters."""

    kind = "characters"
    lossless = True
    coverage: Coverage | None = None  # None: it was read from a file

    @classmethod
    def train(cls, text: Text, vocab_size: int, watch: Callable[[float], None] = lambda share: None) -> "Characters":
        """Take the characters of `text`, the most frequent ones if `vocab_size` cannot hold them all; 0 holds as many
        as there are, of a text in very many different ones the most frequent.

        Raises:
            OctavoError: `vocab_size` has no room for a character beside the 256 bytes and the start token.
        """
        room = (vocab_size or _MOST) - _BYTES_AND_START
        if room < 1:
            raise OctavoError(
                f"tokenizer.vocab_size={vocab_size} has no room for characters: "
                f"{_BYTES_AND_START} tokens are the bytes and the start token, so use more"
            )
        counts = Counter[str]()
        for piece in pieces(text):
            counts.update(piece)
            watch(0.0)  # where it can be stopped
        frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:room]
        tokens = [START, *(f"<0x{b:02X}>" for b in range(256)), *sorted(c for c, _ in frequent)]
        vocabulary = {token: i for i, token in enumerate(tokens)}
        pipeline = Pipeline(models.BPE(vocabulary, [], byte_fallback=True))
        pipeline.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
        pipeline.add_special_tokens([AddedToken(START, special=True, normalized=False)])
        made = cls(pipeline)
        left_out = counts.total() - sum(count for _, count in frequent)
        made.coverage = Coverage(len(counts), len(frequent), left_out / max(1, counts.total()))
        return made

    def _bytes_of(self, piece: str) -> bytes:
        byte = _BYTE_PIECE.fullmatch(piece)
        return bytes([int(byte[1], 16)]) if byte else piece.encode()
