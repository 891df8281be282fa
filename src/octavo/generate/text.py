"""Text out of tokens: whole characters only, ended by a stop text, the start token or the length asked for.

Importing this takes no torch.
"""

import codecs
from collections.abc import Callable, Iterator, Sequence

from octavo.errors import OctavoError
from octavo.generate.chunks import Decode
from octavo.options import SamplingConfig
from octavo.tokenizer import Tokenizer


class TextStream:
    """One stream's text as it grows. It never gives out half a UTF-8 character, nor a part of a stop text."""

    def __init__(self, token_bytes: Sequence[bytes], end_id: int | None, stops: Sequence[str], most: int) -> None:
        self._token_bytes, self._end_id, self._stops = token_bytes, end_id, stops
        self.left = most  # tokens that may still come
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""  # could be the beginning of a stop text
        self.done = False

    def push(self, tokens: Sequence[int]) -> str:
        """Take in what tokens come next; return the text that is certain by now. How they are cut into pieces
        changes nothing in the whole text."""
        tokens = tokens[: self.left]
        self.left -= len(tokens)
        self.done = not self.left
        if self._end_id in tokens:
            tokens, self.done = tokens[: tokens.index(self._end_id)], True
        # Never final: a character that the end cuts in two is left out, not replaced.
        self._held += self._decoder.decode(b"".join([self._token_bytes[token] for token in tokens]))
        found = [(place + len(stop), place) for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if found:
            _, place = min(found)  # the one that is complete first
            self._held, self.done = self._held[:place], True
        certain = self._held if self.done else self._held[: len(self._held) - self._doubtful()]
        self._held = self._held[len(certain) :]
        return certain

    def _doubtful(self) -> int:
        """How many characters at the end could begin a stop text."""
        lengths = (n for stop in self._stops for n in range(1, len(stop)) if self._held.endswith(stop[:n]))
        return max(lengths, default=0)


def continued(
    decode: Decode,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    context_length: int,
    sampling: SamplingConfig,
    stop: Sequence[str] = (),
    watch: Callable[[float], object] | None = None,
) -> Iterator[list[str]]:
    """Continue every prompt by what `decode` adds; yield, chunk by chunk, what each text grows by (maybe nothing).

    Chunks are small at first, so that text comes at once, and grow. The same seed gives the same texts; stream i
    does not depend on how many others there are. `watch` is told the share of the work done.

    Raises:
        OctavoError: a stop text is empty, or a prompt is empty where the tokenizer has no start token.
    """
    if not prompts:
        raise OctavoError("there is no prompt: give at least one, or a count of 1 or more")
    if "" in stop:
        raise OctavoError("a stop text is empty, so nothing could be generated: give some characters")
    ids = [tokenizer.encode(prompt).tolist() for prompt in prompts]
    if tokenizer.start_id is None and not all(ids):
        unread = prompts[ids.index([])]
        if unread:
            raise OctavoError(
                f"this run's tokenizer has no token for anything in the prompt {unread[:40]!r}: use another"
            )
        raise OctavoError("this run's tokenizer has no start token: give a prompt that is not empty")
    table = tokenizer.token_bytes()
    streams = [TextStream(table, tokenizer.start_id, stop, sampling.max_new_tokens) for _ in ids]
    chunks = decode(
        ids,
        context_length=context_length,
        start_id=tokenizer.start_id,
        sampling=sampling,
        seeds=[(sampling.seed, index) for index in range(len(ids))],
        ended=lambda index: streams[index].done,
    )
    for chunk in chunks:
        yield [
            "" if stream.done or not tokens else stream.push(tokens)
            for tokens, stream in zip(chunk, streams, strict=True)
        ]
        if watch is not None:
            watch(min(1.0 if stream.done else 1 - stream.left / sampling.max_new_tokens for stream in streams))
