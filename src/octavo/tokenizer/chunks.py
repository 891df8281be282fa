"""Cut a long text into pieces that tokenize as the whole does.

Every pre-tokenizer here splits a text at some white space anyway; a cut at such a place changes nothing.
"""

import re
from collections.abc import Iterator

CHUNK = 1 << 16  # characters
_REACH = 1 << 20  # how far to look for a harmless place

# No token reaches over a lone newline between words, nor from the end of a word into the single space after it
# (byte-level BPE takes that space into the next word). Runs of white space are tokens of their own: not there.
_HARMLESS = re.compile(r"(?<=\S\n)(?=\S)|(?<=\S)(?= \S)")


def chunks(text: str, size: int = CHUNK) -> Iterator[str]:
    """Yield pieces of about `size` characters whose concatenation is `text`.

    Only a text without white space for a million characters is cut inside a word.
    """
    start = 0
    while len(text) - start > size:
        found = _HARMLESS.search(text, start + size, min(len(text), start + size + _REACH))
        end = found.start() if found else start + size + _REACH
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]
