"""Cut a long text into chunks whose tokens are those of the complete text.

Every pre-tokenizer here splits a text at some white space anyway; a boundary there does not change the tokens.
"""

import re
from collections.abc import Iterator
from itertools import chain, islice

from octavo.corpus.lazy_text import Text, iter_text

CHUNK_CHARACTERS = 1 << 16  # characters
_MAX_SEARCH = 1 << 16  # characters in which a safe boundary is searched
MAX_RUN_LENGTH = 1000  # characters of a word that merges are learned from; the time grows quadratically with it

# No token of any split extends across a single newline into the next word, nor from the end of a word into the single
# space after it (byte-level BPE joins that space to the next word). Runs of white space have their own tokens, so
# they are no safe boundary.
_SAFE_BOUNDARY = re.compile(r"(?<=\S\n)(?=\S)|(?<=\S)(?= \S)")
# U+001C to U+001F are white space to Python, but not to the pre-tokenizers.
_LONG_RUN = re.compile(rf"[\S\x1c-\x1f]{{{MAX_RUN_LENGTH}}}|[^\S\x1c-\x1f]{{{MAX_RUN_LENGTH}}}")


def chunks(text: Text, size: int = CHUNK_CHARACTERS) -> Iterator[str]:
    """Yield chunks of about `size` characters whose concatenation is `text`, with little of a lazy text in memory.

    Only a text without a safe boundary in 64 thousand characters is cut within a word.
    """
    held = ""
    # While more text follows, a safe boundary may be further on than the text in hand: `least` is what must be there.
    for piece, least in chain(((piece, size + _MAX_SEARCH) for piece in iter_text(text)), [("", size + 1)]):
        held += piece
        start = 0
        while len(held) - start >= least:
            end = _chunk_end(held, start, size)
            yield held[start:end]
            start = end
        held = held[start:]
    if held:
        yield held


def learnable_chunks(text: Text, every: int = 1) -> Iterator[str]:
    """Yield every `every`-th chunk to learn merges from; runs longer than any word, such as a million equal letters,
    are cut too."""
    for chunk in islice(chunks(text), 0, None, every):
        start = 0
        for run in _LONG_RUN.finditer(chunk):
            yield chunk[start : run.end()]
            start = run.end()
        if start < len(chunk):
            yield chunk[start:]


def _chunk_end(text: str, start: int, size: int) -> int:
    found = _SAFE_BOUNDARY.search(text, start + size, min(len(text), start + size + _MAX_SEARCH))
    return found.start() if found else start + size + _MAX_SEARCH
