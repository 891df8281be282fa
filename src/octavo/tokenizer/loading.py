"""Make the tokenizer that a config asks for, or read one that a run has saved."""

from collections.abc import Callable
from pathlib import Path

from tokenizers import Tokenizer as Pipeline

from octavo.config import TokenizerConfig
from octavo.corpus.filed import Text
from octavo.errors import OctavoError, reason
from octavo.tokenizer.byte_bpe import ByteBPE
from octavo.tokenizer.characters import Characters
from octavo.tokenizer.checking import check, kind_of
from octavo.tokenizer.hugging_face import MOST_BYTES
from octavo.tokenizer.protocol import Tokenizer
from octavo.tokenizer.whitespace_bpe import WhitespaceBPE
from octavo.untrusted import parse_json, read_plain

_KINDS: dict[str, type[ByteBPE | Characters | WhitespaceBPE]] = {
    kind.kind: kind for kind in (ByteBPE, Characters, WhitespaceBPE)
}


def train_tokenizer(
    config: TokenizerConfig, text: Text, watch: Callable[[float], None] = lambda share: None
) -> Tokenizer:
    """Train a tokenizer of the kind and size that `config` names on `text`; `watch` is told the share that was read.

    Raises:
        OctavoError: the size is too small for the kind.
    """
    return _KINDS[config.kind].train(text, config.vocab_size, watch)


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a ``tokenizer.json`` that Octavo wrote; its kind shows in its parts.

    Raises:
        OctavoError: the file is missing, is no tokenizer, or is one that Octavo does not make.
    """
    try:
        content = read_plain(path, MOST_BYTES, path.parent)
        parsed = parse_json(content)
        kind = kind_of(parsed)
    except OSError as error:
        raise OctavoError(f"{path} cannot be read ({error.strerror}): is this the folder of a run?") from None
    except (ValueError, KeyError, TypeError):
        raise OctavoError(f"{path} is not a tokenizer.json: train the run again") from None
    if kind is None:
        raise OctavoError(f"{path} is a tokenizer of a kind that Octavo does not make: use one of its own runs")
    try:
        check(parsed, kind)
        return _KINDS[kind](_pipeline(content.decode("utf-8")))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise OctavoError(f"{path} is a damaged tokenizer.json ({error}): train the run again") from None


def _pipeline(text: str) -> Pipeline:
    """Raises ValueError if the library cannot read it: it raises bare Exception, or what is none where it panics."""
    try:
        return Pipeline.from_str(text)
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise ValueError(reason(error)) from None
