"""Tokenizers: byte-level BPE, characters, and the reference experiment's, behind one protocol."""

from octavo.tokenizer.bpe_dropout import BPEDropout
from octavo.tokenizer.byte_bpe import ByteBPE
from octavo.tokenizer.characters import Characters
from octavo.tokenizer.loading import load_tokenizer, train_tokenizer
from octavo.tokenizer.protocol import Tokenizer

__all__ = ["BPEDropout", "ByteBPE", "Characters", "Tokenizer", "load_tokenizer", "train_tokenizer"]
