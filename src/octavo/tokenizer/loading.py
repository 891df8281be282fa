"""Make the tokenizer that a config asks for, or read one that a run has saved."""

import json
from pathlib import Path

from tokenizers import Tokenizer as Pipeline

from octavo.config import TokenizerConfig
from octavo.corpus.filed import Text
from octavo.errors import OctavoError
from octavo.tokenizer.byte_bpe import ByteBPE
from octavo.tokenizer.characters import Characters
from octavo.tokenizer.hugging_face import HuggingFaceTokenizer
from octavo.tokenizer.protocol import Tokenizer
from octavo.tokenizer.whitespace_bpe import WhitespaceBPE

_KINDS: dict[str, type[ByteBPE | Characters | WhitespaceBPE]] = {
    kind.kind: kind for kind in (ByteBPE, Characters, WhitespaceBPE)
}


def train_tokenizer(config: TokenizerConfig, text: Text) -> Tokenizer:
    """Train a tokenizer of the kind and size that `config` names on `text`.

    Raises:
        OctavoError: the size is too small for the kind.
    """
    return _KINDS[config.kind].train(text, config.vocab_size)


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a ``tokenizer.json`` that Octavo wrote; its kind shows in its parts.

    Raises:
        OctavoError: the file is missing, is no tokenizer, or is one that Octavo does not make.
    """
    try:
        text = path.read_text(encoding="utf-8")
        parts = json.loads(text)
        model, before = parts["model"], parts["pre_tokenizer"]
        kind = _kind_of(before["type"] if before else None, bool(model["byte_fallback"]))
    except OSError as error:
        raise OctavoError(f"{path} cannot be read ({error.strerror}): is this the folder of a run?") from None
    except (ValueError, KeyError, TypeError):
        raise OctavoError(f"{path} is not a tokenizer.json: train the run again") from None
    if kind is None:
        raise OctavoError(f"{path} is a tokenizer of a kind that Octavo does not make: use one of its own runs")
    try:
        return kind(Pipeline.from_str(text))
    except Exception as error:  # the library raises bare Exception for whatever it cannot read
        raise OctavoError(f"{path} is a damaged tokenizer.json ({error}): train the run again") from None


def _kind_of(before: str | None, byte_fallback: bool) -> type[HuggingFaceTokenizer] | None:
    if before == "ByteLevel":
        return ByteBPE
    if before == "Whitespace":
        return WhitespaceBPE
    return Characters if before is None and byte_fallback else None
