"""Fit prompts to the text that a model was trained on: its line ends, and what precedes the beginning of a line.

A model knows only the line ends of its training text, so those of a prompt are replaced by the same kind.

Training windows begin anywhere in the text, so a model that is given only the BOS token begins in mid-sentence. It
begins a document or a line if it is given first the tokens that stand before one in the training text. This *opening*
is not part of the generated text. Importing this takes no torch.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from octavo.corpus.lines import has_line_end, with_line_ends
from octavo.data.token_files import Ids, TokenSplit, check_ids, open_splits
from octavo.errors import OctavoError
from octavo.formats.untrusted import open_plain
from octavo.runs import RunDirectory
from octavo.tokenizer import Tokenizer

_MIN_DOCUMENTS = 30  # with fewer, a model memorises their beginnings
_MAX_TOKENS_FOR_DOCUMENTS = 1 << 22  # that are searched for the ends of documents
_SPANS, _SPAN_TOKENS = 16, 1024  # spread over the tokens, to find line breaks
_BLANK_LINES = 50  # blank lines separate the text if at least one line of so many is blank
_BLOCKS, _BLOCK_BYTES = 16, 2**16  # spread over the text, to find its line end
_NEARLY_ALL = 0.9  # fraction of the line ends that must be of one kind


def with_training_line_ends(directory: RunDirectory, prompts: Sequence[str]) -> list[str]:
    """Return the prompts with the line ends of the run's training text; unchanged if it mixes several kinds."""
    end = training_line_end(directory) if any(map(has_line_end, prompts)) else None
    return [prompt if end is None else with_line_ends(prompt, end) for prompt in prompts]


def training_line_end(directory: RunDirectory) -> str | None:
    """Return the line end of at least 90 % of the lines in blocks of the training text, or None.

    None is also returned if the text cannot be read. A run that was shared without its text recorded its line end.
    """
    blocks = []
    try:
        with open_plain(directory.path / "data" / "train.txt", 2**63, directory.path) as file:
            last = max(0, os.fstat(file.fileno()).st_size - _BLOCK_BYTES)
            for begin in sorted({last * number // (_BLOCKS - 1) for number in range(_BLOCKS)}):
                file.seek(begin)
                # The first or last byte of a block may be half of a line end.
                blocks.append(file.read(_BLOCK_BYTES).removeprefix(b"\n").removesuffix(b"\r"))
    except (OctavoError, OSError):
        recorded = shared_facts(directory).get("line_end")
        return recorded if recorded in ("\n", "\r\n", "\r") else None
    end = _usual_line_end(blocks, _NEARLY_ALL)
    return None if end is None else end.decode()


def _usual_line_end(texts: Iterable[bytes], min_fraction: float = 0.0) -> bytes | None:
    """Return the most frequent line end of `texts`; None if it has less than `min_fraction` of them."""
    counts = Counter[bytes]()
    for text in texts:
        windows = text.count(b"\r\n")
        counts += Counter({b"\n": text.count(b"\n") - windows, b"\r\n": windows, b"\r": text.count(b"\r") - windows})
    (end, count), *_ = counts.most_common(1) or [(b"", 0)]
    return end if count and count >= min_fraction * counts.total() else None


def opening_of_run(data: Path, tokenizer: Tokenizer) -> list[int]:
    """Return the opening of the training split in a run's folder ``data``; empty if it is missing or damaged.

    A run that was shared without its text has recorded its opening.
    """
    try:
        split = open_splits(data)["train"]
        check_ids({split.name: split}, tokenizer.vocab_size)
    except OctavoError:
        recorded = shared_facts(RunDirectory(data.parent)).get("opening", [])
        return recorded if all(0 <= token < tokenizer.vocab_size for token in recorded) else []
    return opening_of_split(split, tokenizer)


def opening_of_split(train: TokenSplit, tokenizer: Tokenizer) -> list[int]:
    """Return the opening of a training split; it begins a document if the run learns where documents end."""
    return find_opening(train.ids, tokenizer, 1 if train.facts.ends else _MIN_DOCUMENTS)


def shared_facts(directory: RunDirectory) -> dict[str, Any]:
    """Return what a run without its text has recorded for generation; empty if it has its text or is damaged."""
    try:
        facts: dict[str, Any] = directory.provenance["shared"] if directory.shared else {}
    except OctavoError:
        return {}
    return facts


def find_opening(ids: Ids, tokenizer: Tokenizer, min_documents: int = _MIN_DOCUMENTS) -> list[int]:
    """Return the tokens after which a document or a line begins in a training text.

    If at least `min_documents` end, these are the last token of one and the BOS token; otherwise a blank line, or a
    line break where blank lines are rare. Empty: the text has no lines, or the tokenizer no BOS token.
    """
    bos_id = tokenizer.bos_id
    if bos_id is None or not len(ids):
        return []
    beginning = np.asarray(ids[:_MAX_TOKENS_FOR_DOCUMENTS])
    ends = beginning[np.flatnonzero(beginning[1:] == bos_id)]
    last_tokens = ends[ends != bos_id]
    if len(ends) >= min_documents and len(last_tokens):
        return [int(np.bincount(last_tokens).argmax()), bos_id]
    begins = np.unique(np.linspace(0, max(0, len(ids) - _SPAN_TOKENS), _SPANS).astype(np.int64))
    return _line_opening([ids[begin : begin + _SPAN_TOKENS].tolist() for begin in begins], tokenizer.token_bytes())


def _line_opening(spans: list[list[int]], table: list[bytes]) -> list[int]:
    """Return the most frequent tokens that end with a blank line, or with a line break where blank lines are rare."""
    texts = [b"".join([table[token] for token in span]) for span in spans]
    line_end = _usual_line_end(texts)
    if line_end is None:
        return []
    line_ends, blank_lines = (sum(text.count(border) for text in texts) for border in (line_end, 2 * line_end))
    border = 2 * line_end if _BLANK_LINES * blank_lines >= line_ends else line_end
    tails = Counter(tail for span in spans for last in range(len(span)) if (tail := _tail(span, last, border, table)))
    return list(tails.most_common(1)[0][0]) if tails else []


def _tail(span: list[int], last: int, border: bytes, table: list[bytes]) -> tuple[int, ...]:
    """Return the fewest tokens of `span` up to the one at `last` whose text ends with `border`; empty if none do."""
    text = b""
    for begin in range(last, -1, -1):
        text = table[span[begin]] + text
        if len(text) >= len(border):
            return tuple(span[begin : last + 1]) if text.endswith(border) else ()
    return ()
