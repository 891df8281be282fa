"""The reference experiment's tokenizer: byte-pair encoding inside words and runs of punctuation.

It throws white space away and drops characters it never saw, so a text cannot be restored from its tokens,
and a loss per token of it can be compared with nobody's.
"""

from collections.abc import Callable, Sequence

from tokenizers import Tokenizer as Pipeline
from tokenizers import models, pre_tokenizers, trainers

from octavo.corpus.filed import Text
from octavo.errors import OctavoError
from octavo.tokenizer.bpe_training import learn_merges
from octavo.tokenizer.hugging_face import HuggingFaceTokenizer
from octavo.tokenizer.protocol import Ids

SPECIAL = ["[PAD]", "[UNK]", "[BOS]", "[EOS]"]


class WhitespaceBPE(HuggingFaceTokenizer):
    """Pieces are joined by single spaces when decoding."""

    kind = "whitespace-bpe"
    lossless = False

    @classmethod
    def train(
        cls, text: Text, vocab_size: int, watch: Callable[[float], None] = lambda share: None
    ) -> "WhitespaceBPE":
        """Learn merges from `text`, after the four special tokens and the characters of the text.

        Raises:
            OctavoError: `vocab_size` has no room for those.
        """
        pipeline = Pipeline(models.BPE())
        pipeline.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=SPECIAL, show_progress=False)
        learn_merges(pipeline, trainer, text, watch)
        if (least := pipeline.get_vocab_size()) > vocab_size:
            raise OctavoError(
                f"tokenizer.vocab_size={vocab_size} is too small for this text, whose characters and the special "
                f"tokens are {least} tokens: use more"
            )
        return cls(pipeline)

    def decode(self, ids: Sequence[int] | Ids) -> str:
        """The pieces, joined by single spaces."""
        return super().decode(ids).removeprefix(" ")

    def _bytes_of(self, piece: str) -> bytes:
        return b" " + piece.encode()
