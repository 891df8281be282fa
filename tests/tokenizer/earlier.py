"""Byte-level BPE as earlier versions made it."""

from tokenizers import Tokenizer as Pipeline
from tokenizers import decoders, models, pre_tokenizers, trainers

from octavo.tokenizer.base import BOS_TOKEN
from octavo.tokenizer.chunking import learnable_chunks
from octavo.tokenizer.kinds import ByteBPE


def bpe_of_earlier_versions(text: str, vocab_size: int, watch: object = None) -> ByteBPE:
    """Train byte-level BPE as earlier versions did, with GPT-2's split."""
    pipeline = Pipeline(models.BPE())
    pipeline.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pipeline.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[BOS_TOKEN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    pipeline.train_from_iterator(learnable_chunks(text), trainer)
    return ByteBPE(pipeline)
