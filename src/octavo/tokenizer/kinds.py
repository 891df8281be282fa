"""The three kinds of tokenizers.

- ``bpe``, the default: byte-level byte-pair encoding (Sennrich et al., 2016), with the word split of Qwen 3.5.
  Lossless.
- ``characters``: one token per character; a character outside the vocabulary becomes its UTF-8 bytes. Lossless.
- ``whitespace-bpe``, the course report's: byte-pair encoding within words and runs of punctuation. Lossy: it drops
  white space and unseen characters, so its loss per token is not comparable with that of other tokenizers.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Pipeline

from octavo.corpus.lazy_text import Text, iter_text
from octavo.errors import OctavoError
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer.base import BOS_TOKEN, Ids, Tokenizer
from octavo.tokenizer.bpe_training import learn_merges

_MIN_TOKENS = 257
FIRST_CHARACTER = _MIN_TOKENS  # id, in a vocabulary of characters; before it are the BOS token and the bytes
# Qwen 3.5's split, which llama.cpp calls `qwen35`. Letters and their combining marks stay together, so that Hindi has
# words too; a digit stands alone; line breaks join the punctuation before them. Runs of earlier versions have GPT-2's
# split, which their tokenizer.json names.
WORD_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class ByteBPE(Tokenizer):
    """Byte-level BPE: start from the 256 bytes and merge the most frequent pairs until the vocabulary is full."""

    kind = "bpe"
    lossless = True

    @classmethod
    def train(cls, text: Text, vocab_size: int, watch: ProgressCallback = no_progress) -> "ByteBPE":
        """Learn merges from `text`; a small text may give fewer than `vocab_size` tokens. `watch` receives the
        fraction of the text that was read.

        Raises:
            OctavoError: `vocab_size` is too small for the 256 bytes and the BOS token.
        """
        if vocab_size < _MIN_TOKENS:
            raise OctavoError(
                f"tokenizer.vocab_size={vocab_size} is too small for byte-level BPE, which starts from "
                f"{_MIN_TOKENS} tokens: use more, or set tokenizer.kind=characters"
            )
        pipeline = Pipeline(models.BPE())
        pipeline.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(WORD_PATTERN), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
            ]
        )
        pipeline.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=[BOS_TOKEN],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        learn_merges(pipeline, trainer, text, watch)
        return cls(pipeline)

    def _bytes_of(self, token: str) -> bytes:
        return bytes(BYTE_OF[letter] for letter in token)


def _byte_letters() -> dict[str, int]:
    """Return the byte of each letter of a byte-level vocabulary: a printable byte is its own letter, the others are,
    in order, the letters from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + i): b for i, b in enumerate(others)}


BYTE_OF = _byte_letters()


_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
_MAX_SIZE = 8192  # tokens where no size is given


@dataclass(frozen=True)
class Coverage:
    """The coverage of its training text by a vocabulary of characters."""

    distinct: int  # characters
    known: int  # of them, those with their own token
    share_left_out: float  # of the text, in the other ones

    def words(self) -> str:
        """Return the coverage as a sentence."""
        return (
            f"{self.known:,} of {self.distinct:,} distinct characters have their own token; the others "
            f"({100 * self.share_left_out:.2g} % of the text) become bytes; "
            f"tokenizer.vocab_size={_MIN_TOKENS + self.distinct} holds all"
        )


class Characters(Tokenizer):
    """One token per character: BPE of the library without merges and with byte fallback."""

    kind = "characters"
    lossless = True
    coverage: Coverage | None = None  # None: it was read from a file

    @classmethod
    def train(cls, text: Text, vocab_size: int, watch: ProgressCallback = no_progress) -> "Characters":
        """Take the characters of `text`, the most frequent ones if `vocab_size` cannot hold them all; 0 holds as many
        as there are, of a text in very many different ones the most frequent.

        Raises:
            OctavoError: `vocab_size` is too small for a character, the 256 bytes and the BOS token.
        """
        room = (vocab_size or _MAX_SIZE) - _MIN_TOKENS
        if room < 1:
            raise OctavoError(
                f"tokenizer.vocab_size={vocab_size} has no room for characters: "
                f"{_MIN_TOKENS} tokens are the bytes and the BOS token, so use more"
            )
        counts = Counter[str]()
        for piece in iter_text(text):
            counts.update(piece)
            watch(0.0)  # so that it can be stopped
        frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:room]
        tokens = [BOS_TOKEN, *(f"<0x{b:02X}>" for b in range(256)), *sorted(c for c, _ in frequent)]
        vocabulary = {token: i for i, token in enumerate(tokens)}
        pipeline = Pipeline(models.BPE(vocabulary, [], byte_fallback=True))
        pipeline.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
        pipeline.add_special_tokens([AddedToken(BOS_TOKEN, special=True, normalized=False)])
        tokenizer = cls(pipeline)
        left_out = counts.total() - sum(count for _, count in frequent)
        tokenizer.coverage = Coverage(len(counts), len(frequent), left_out / max(1, counts.total()))
        return tokenizer

    def _bytes_of(self, token: str) -> bytes:
        byte = _BYTE_TOKEN.fullmatch(token)
        return bytes([int(byte[1], 16)]) if byte else token.encode()


SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[BOS]", "[EOS]"]


class WhitespaceBPE(Tokenizer):
    """The course report's tokenizer; decoding joins tokens by single spaces."""

    kind = "whitespace-bpe"
    lossless = False

    @classmethod
    def train(cls, text: Text, vocab_size: int, watch: ProgressCallback = no_progress) -> "WhitespaceBPE":
        """Learn merges from `text`, after the four special tokens and the characters of the text.

        Raises:
            OctavoError: `vocab_size` is too small for those.
        """
        pipeline = Pipeline(models.BPE())
        pipeline.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=SPECIAL_TOKENS, show_progress=False)
        learn_merges(pipeline, trainer, text, watch)
        if (least := pipeline.get_vocab_size()) > vocab_size:
            raise OctavoError(
                f"tokenizer.vocab_size={vocab_size} is too small for this text, whose characters and the special "
                f"tokens are {least} tokens: use more"
            )
        return cls(pipeline)

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """Return the tokens, joined by single spaces."""
        return super().decode(ids).removeprefix(" ")

    def _bytes_of(self, token: str) -> bytes:
        return b" " + token.encode()
