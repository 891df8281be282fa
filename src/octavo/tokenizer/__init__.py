"""Tokenizers: byte-level BPE, characters, and the reference experiment's, with one base class."""

from octavo.tokenizer.base import Tokenizer
from octavo.tokenizer.bpe_dropout import BPEDropout
from octavo.tokenizer.kinds import ByteBPE, Characters
from octavo.tokenizer.serialization import load_tokenizer, train_tokenizer

__all__ = ["BPEDropout", "ByteBPE", "Characters", "Tokenizer", "load_tokenizer", "train_tokenizer"]
