"""Learn BPE merges with the library: from a bounded part of the text, with progress, and interruptible."""

import math
import threading
from collections.abc import Iterator

from tokenizers import Tokenizer as Pipeline
from tokenizers.trainers import BpeTrainer

from octavo.corpus.lazy_text import Text
from octavo.system.progress import ProgressCallback, no_progress
from octavo.system.threads import DETACHED_THREAD
from octavo.tokenizer.chunking import chunks, learnable_chunks

_MAX_BYTES = 16 << 20  # of text that merges are learned from: some seconds
_MAX_DISTINCT_BYTES = 4 << 20  # of distinct words in it; time and memory are proportional to them
_STOP_SECONDS = 0.5  # in which the library finishes a chunk when it must stop
_POLL_SECONDS = 0.1  # between two reports of progress


def learn_merges(pipeline: Pipeline, trainer: BpeTrainer, text: Text, watch: ProgressCallback = no_progress) -> None:
    """Train `pipeline` on `text`, of a long text on evenly spaced chunks; `watch` receives the fraction read.

    The library blocks Ctrl-C for seconds, so it runs on its own thread.

    Raises:
        OctavoError: the file of the text changed meanwhile.
    """
    total = sum(len(chunk.encode()) for chunk in chunks(text))
    every = _chunk_interval(text, total)
    read, failures, stopped = 0, list[BaseException](), threading.Event()

    def feed() -> Iterator[str]:
        nonlocal read
        for chunk in learnable_chunks(text, every):
            if stopped.is_set():
                return
            read += len(chunk.encode())
            yield chunk

    def train() -> None:
        try:
            pipeline.train_from_iterator(feed(), trainer)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=train, name=DETACHED_THREAD, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL_SECONDS)
            watch(min(1.0, every * read / max(1, total)))
    finally:
        stopped.set()
        thread.join(_STOP_SECONDS)
    for failure in failures:
        raise failure


def _chunk_interval(text: Text, total: int) -> int:
    """Return n such that merges are learned from every n-th chunk of a text of `total` bytes."""
    if total <= _MAX_DISTINCT_BYTES:
        return 1
    words, read = set[str](), 0
    for chunk in learnable_chunks(text, math.ceil(total / _MAX_DISTINCT_BYTES)):
        words.update(chunk.split())
        read += len(chunk.encode())
    distinct = sum(len(word.encode()) for word in words) / read
    return math.ceil(total / min(_MAX_BYTES, _MAX_DISTINCT_BYTES / distinct))
