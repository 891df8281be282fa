"""Text out of tokens: whole characters only, ended by a stop text, the start token or the length asked for."""

import codecs
from collections.abc import Iterator, Sequence

from octavo.errors import OctavoError
from octavo.generate.decoding import decode
from octavo.model import Transformer
from octavo.options import SamplingConfig
from octavo.tokenizer import Tokenizer


class TextStream:
    """One stream's text as it grows. It never gives out half a UTF-8 character, nor a part of a stop text."""

    def __init__(self, token_bytes: Sequence[bytes], end_id: int | None, stops: Sequence[str], most: int) -> None:
        self._token_bytes, self._end_id, self._stops = token_bytes, end_id, stops
        self._left = most
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""  # could be the beginning of a stop text
        self.done = False

    def push(self, token: int) -> str:
        """Take in one token; return the text that is certain by now."""
        self._left -= 1
        ended = token == self._end_id
        # Never final: a character that the end cuts in two is left out, not replaced.
        self._held += "" if ended else self._decoder.decode(self._token_bytes[token])
        self.done = ended or not self._left
        found = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if found:
            self._held, self.done = self._held[: min(found)], True
        certain = self._held if self.done else self._held[: len(self._held) - self._doubtful()]
        self._held = self._held[len(certain) :]
        return certain

    def _doubtful(self) -> int:
        """How many characters at the end could begin a stop text."""
        lengths = (n for stop in self._stops for n in range(1, len(stop)) if self._held.endswith(stop[:n]))
        return max(lengths, default=0)


def generate(
    model: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    context_length: int,
    sampling: SamplingConfig,
    stop: Sequence[str] = (),
) -> Iterator[list[str]]:
    """Continue every prompt; yield, a step at a time, what each stream's text grows by (maybe nothing).

    The same seed gives the same texts; stream i does not depend on how many others there are.

    Raises:
        OctavoError: a stop text is empty, or a prompt is empty where the tokenizer has no start token.
    """
    if not prompts:
        raise OctavoError("there is no prompt: give at least one, or a count of 1 or more")
    if "" in stop:
        raise OctavoError("a stop text is empty, so nothing could be generated: give some characters")
    ids = [tokenizer.encode(prompt).tolist() for prompt in prompts]
    if tokenizer.start_id is None and not all(ids):
        raise OctavoError("this run's tokenizer has no start token: give a prompt that is not empty")
    table = tokenizer.token_bytes()
    streams = [TextStream(table, tokenizer.start_id, stop, sampling.max_new_tokens) for _ in ids]
    steps = decode(
        model,
        ids,
        context_length=context_length,
        start_id=tokenizer.start_id,
        sampling=sampling,
        seeds=[(sampling.seed, index) for index in range(len(ids))],
    )
    for tokens in steps:
        yield [
            "" if token is None or stream.done else stream.push(token)
            for token, stream in zip(tokens, streams, strict=True)
        ]
        if all(stream.done for stream in streams):
            return
