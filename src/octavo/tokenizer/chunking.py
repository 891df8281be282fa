"""Cut a long text into pieces that tokenize as the whole does.

Every pre-tokenizer here splits a text at some white space anyway; a cut at such a place changes nothing.
"""

import re
from collections.abc import Iterator
from itertools import islice

from octavo.corpus.lazy_text import Text, iter_text

CHUNK_CHARACTERS = 1 << 16  # characters
_MAX_SEARCH = 1 << 16  # how far to look for a harmless place
MAX_RUN_LENGTH = 1000  # characters, that merges are learned from; the time it takes grows as the square of a word

# No token of any split reaches over a lone newline into the next word, nor from the end of a word into the single
# space after it (byte-level BPE takes that space into the next word). Runs of white space have tokens of their own:
# not there.
_SAFE_BOUNDARY = re.compile(r"(?<=\S\n)(?=\S)|(?<=\S)(?= \S)")
# U+001C to U+001F are white space to Python, but not to the pre-tokenizers.
_LONG_RUN = re.compile(rf"[\S\x1c-\x1f]{{{MAX_RUN_LENGTH}}}|[^\S\x1c-\x1f]{{{MAX_RUN_LENGTH}}}")


def chunks(text: Text, size: int = CHUNK_CHARACTERS) -> Iterator[str]:
    """Yield pieces of about `size` characters whose concatenation is `text`; of a text that is not in memory, no more
    is held than it takes to find the next.

    Only a text that has no harmless place for 64 thousand characters is cut inside a word.
    """
    held, reach = "", size + _MAX_SEARCH
    for piece in iter_text(text):
        held += piece
        start = 0
        while len(held) - start >= reach:  # else the harmless place may be in the next piece
            end = _chunk_end(held, start, size)
            yield held[start:end]
            start = end
        held = held[start:]
    start = 0
    while len(held) - start > size:
        end = _chunk_end(held, start, size)
        yield held[start:end]
        start = end
    if start < len(held):
        yield held[start:]


def learnable_chunks(text: Text, every: int = 1) -> Iterator[str]:
    """Yield every `every`-th chunk, to learn merges from: what is longer than any word, such as a million equal
    letters, is cut too."""
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
