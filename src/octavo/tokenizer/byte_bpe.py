"""Byte-level byte-pair encoding, the default: lossless for any text, and no token is ever unknown.

Byte pairs as in Sennrich et al. (2016), over bytes, and split into words as in Qwen 3.5.
"""

from collections.abc import Callable

from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Pipeline

from octavo.corpus.filed import Text
from octavo.errors import OctavoError
from octavo.tokenizer.bpe_training import learn_merges
from octavo.tokenizer.hugging_face import START, HuggingFaceTokenizer

_BYTES_AND_START = 257
# Qwen 3.5's split, which llama.cpp calls `qwen35`. Letters and their combining marks stay together, so that Hindi has
# words too; a digit stands alone; line breaks join the punctuation before them. Runs of earlier versions have GPT-2's
# split, which their tokenizer.json names.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class ByteBPE(HuggingFaceTokenizer):
    """Starts from the 256 bytes and merges the most frequent neighbours until the vocabulary is full."""

    kind = "bpe"
    lossless = True

    @classmethod
    def train(cls, text: Text, vocab_size: int, watch: Callable[[float], None] = lambda share: None) -> "ByteBPE":
        """Learn merges from `text`; a small text may give fewer than `vocab_size` tokens. `watch` is told the
        share of the text that was read.

        Raises:
            OctavoError: `vocab_size` has no room for the 256 bytes and the start token.
        """
        if vocab_size < _BYTES_AND_START:
            raise OctavoError(
                f"tokenizer.vocab_size={vocab_size} is too small for byte-level BPE, which starts from "
                f"{_BYTES_AND_START} tokens: use more, or set tokenizer.kind=characters"
            )
        pipeline = Pipeline(models.BPE())
        pipeline.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
            ]
        )
        pipeline.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=[START],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
        learn_merges(pipeline, trainer, text, watch)
        return cls(pipeline)

    def _bytes_of(self, piece: str) -> bytes:
        return bytes(BYTE_OF[letter] for letter in piece)


def _byte_letters() -> dict[str, int]:
    """Which byte each letter of a byte-level vocabulary stands for: a printable one stands for itself,
    the others, in order, for the letters from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + i): b for i, b in enumerate(others)}


BYTE_OF = _byte_letters()
