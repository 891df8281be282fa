"""Text out of tokens: whole characters only, ended by a stop text, the start token or the length asked for.

Importing this takes no torch.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from octavo.config.inference import SamplingConfig
from octavo.corpus.lines import with_line_ends
from octavo.errors import OctavoError
from octavo.generate.healing import Healer
from octavo.generate.streams import Decoder
from octavo.tokenizer import Tokenizer

_CHARACTER = re.compile("\r\n|.", re.DOTALL)  # a line end is one


class IncrementalDetokenizer:
    """One stream's text as it grows. It never gives out half a character or line end, nor a part of a stop text.

    A line end in a stop text stands for one of any kind.
    """

    def __init__(self, token_bytes: Sequence[bytes], end_id: int | None, stops: Sequence[str], most: int) -> None:
        self._token_bytes, self._end_id = token_bytes, end_id
        self._stops = [with_line_ends(stop, "\n") for stop in stops]
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
        return self._certain(b"".join([self._token_bytes[token] for token in tokens]))

    def begin(self, content: bytes) -> str:
        """The same for what the first new token, of which the prompt has the beginning, adds to the prompt."""
        self.left -= 1
        self.done = not self.left
        return self._certain(content)

    def _certain(self, content: bytes) -> str:
        # Never final: a character that the end cuts in two is left out, not replaced.
        self._held += self._decoder.decode(content)
        certain = self._before_stop() if self._stops else self._held
        if not self.done and certain.endswith("\r"):  # half of a line end, perhaps
            certain = certain[:-1]
        self._held = self._held[len(certain) :]
        return certain

    def _before_stop(self) -> str:
        """Return the held text before the first stop text, which ends the stream, or before what could begin one."""
        plain, characters = with_line_ends(self._held, "\n"), _CHARACTER.findall(self._held)
        found = [(place + len(stop), place) for stop in self._stops if (place := plain.find(stop)) >= 0]
        if found:
            _, place = min(found)  # the one that is complete first
            self.done = True
        else:
            place = len(plain) if self.done else len(plain) - self._doubtful(plain)
        return "".join(characters[:place])

    def _doubtful(self, plain: str) -> int:
        """Return how many characters at the end could begin a stop text."""
        lengths = (n for stop in self._stops for n in range(1, len(stop)) if plain.endswith(stop[:n]))
        return max(lengths, default=0)


def continue_prompts(
    decoder: Decoder,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    context_length: int,
    sampling: SamplingConfig,
    stop: Sequence[str] = (),
    opening: Sequence[int] = (),
    watch: Callable[[float], object] | None = None,
) -> Iterator[list[str]]:
    """Continue every prompt by what `decoder` adds; yield, chunk by chunk, what each text grows by (maybe nothing).

    A prompt that ends inside a token of the text that goes on from it is healed (:mod:`octavo.generate.healing`). An
    empty one is begun after the tokens `opening`, which are not shown.

    Chunks are small at first, so that text comes at once, and grow; of very many texts some are written after the
    others. The same seed gives the same texts; stream i does not depend on how many others there are. `watch` is
    told the share of the work done.

    Raises:
        OctavoError: a stop text is empty, or a prompt is empty where the tokenizer has no start token.
    """
    if not prompts:
        raise OctavoError("there is no prompt: give at least one, or a count of 1 or more")
    if "" in stop:
        raise OctavoError("a stop text is empty, so nothing could be generated: give some characters")
    ids = [tokenizer.encode(prompt).tolist() if prompt else list(opening) for prompt in prompts]
    if tokenizer.bos_id is None and not all(ids):
        unread = prompts[ids.index([])]
        if unread:
            raise OctavoError(
                f"this run's tokenizer has no token for anything in the prompt {unread[:40]!r}: use another"
            )
        raise OctavoError("this run's tokenizer has no start token: give a prompt that is not empty")
    table = tokenizer.token_bytes()
    streams = [IncrementalDetokenizer(table, tokenizer.bos_id, stop, sampling.max_new_tokens) for _ in ids]
    known: dict[str, Any] = {"context_length": context_length, "bos_id": tokenizer.bos_id}
    if tokenizer.lossless and any(prompts):
        healer = Healer(table, partial(decoder.predict, **known), decoder.pick)
        begun = [""] * len(ids)
        for index, prompt in enumerate(prompts):
            if prompt:
                ids[index], beyond = healer.heal(ids[index], sampling, index)
                begun[index] = streams[index].begin(beyond) if beyond else ""
        yield begun  # also where that is nothing: it may be all that comes
    chunks = decoder.decode(
        ids,
        **known,
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
            left = sum(0 if stream.done else stream.left for stream in streams)
            watch(1 - left / (sampling.max_new_tokens * len(streams)))
