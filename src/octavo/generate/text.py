"""Generate text: decode tokens, and turn them into complete characters up to a stop text, BOS token or token limit.

Importing this takes no torch.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from octavo.config.inference import SamplingConfig
from octavo.corpus.lines import with_line_ends
from octavo.errors import OctavoError
from octavo.generate.healing import Healer
from octavo.generate.streams import Chunk, ContextWindow, Decoder, Request, never_ends
from octavo.system.progress import ProgressCallback
from octavo.tokenizer import Tokenizer

_CHARACTER = re.compile("\r\n|.", re.DOTALL)  # a line end counts as one


class IncrementalDetokenizer:
    """The growing text of one stream. It never returns half a character or line end, nor a part of a stop text.

    A line end in a stop text stands for one of any kind.

    Args:
        token_bytes: the bytes of each token.
        end_id: the token that ends the text; None if there is none.
        stops: texts that end the text and are not part of it.
        max_tokens: tokens after which the text ends.
    """

    def __init__(
        self, token_bytes: Sequence[bytes], end_id: int | None, stops: Sequence[str], max_tokens: int
    ) -> None:
        self._token_bytes, self._end_id = token_bytes, end_id
        self._stops = [with_line_ends(stop, "\n") for stop in stops]
        self.left = max_tokens  # tokens that may still come
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""  # could be the beginning of a stop text
        self.done = False

    def push(self, tokens: Sequence[int]) -> str:
        """Take in the next tokens; return the text that is certain now.

        The complete text does not depend on how many tokens come in one call.
        """
        tokens = tokens[: self.left]
        self.left -= len(tokens)
        self.done = not self.left
        if self._end_id in tokens:
            tokens, self.done = tokens[: tokens.index(self._end_id)], True
        return self._certain(b"".join([self._token_bytes[token] for token in tokens]))

    def push_healed(self, suffix: bytes) -> str:
        """Take in what a healed first token adds to the prompt; return the text that is certain now."""
        self.left -= 1
        self.done = not self.left
        return self._certain(suffix)

    def _certain(self, content: bytes) -> str:
        # Never final: a character that the end cuts in two is left out, not replaced.
        self._held += self._decoder.decode(content)
        certain = self._before_stop() if self._stops else self._held
        if not self.done and certain.endswith("\r"):  # could be half of a line end
            certain = certain[:-1]
        self._held = self._held[len(certain) :]
        return certain

    def _before_stop(self) -> str:
        """Return the held text before the first stop text, which ends the stream, or before what could begin one."""
        text, characters = with_line_ends(self._held, "\n"), _CHARACTER.findall(self._held)
        matches = [(begin + len(stop), begin) for stop in self._stops if (begin := text.find(stop)) >= 0]
        if matches:
            _, end = min(matches)  # of the stop text that is complete first
            self.done = True
        else:
            end = len(text) if self.done else len(text) - self._stop_prefix_length(text)
        return "".join(characters[:end])

    def _stop_prefix_length(self, text: str) -> int:
        """Return how many characters at the end of `text` could begin a stop text."""
        lengths = (n for stop in self._stops for n in range(1, len(stop)) if text.endswith(stop[:n]))
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
    first: int = 0,
    watch: ProgressCallback | None = None,
) -> Iterator[list[str]]:
    """Continue every prompt; yield, chunk by chunk, the text that each has grown by (maybe nothing).

    A prompt that ends inside a token of the text that continues it is healed (:mod:`octavo.generate.healing`).

    Chunks are small at first, so that text appears at once, and grow. Very many texts are decoded in groups. The same
    seed gives the same texts; the text of a prompt does not depend on the prompts after it.

    Args:
        decoder: generates tokens with a model.
        tokenizer: the model's tokenizer.
        prompts: the beginnings of the texts.
        context_length: positions of a window.
        sampling: how a token is chosen, and how many.
        stop: texts at which a text ends.
        opening: the tokens that an empty prompt is begun after; they are not part of the text.
        first: the number of the first text: texts of other numbers draw other random numbers.
        watch: receives the fraction of the work that is done.

    Raises:
        OctavoError: a stop text is empty, or a prompt has no token and the tokenizer no BOS token.
    """
    if not prompts:
        raise OctavoError("there is no prompt: give at least one, or a count of 1 or more")
    if "" in stop:
        raise OctavoError("a stop text is empty, so nothing could be generated: give at least one character")
    ids = [tokenizer.encode(prompt).tolist() if prompt else list(opening) for prompt in prompts]
    if tokenizer.bos_id is None and not all(ids):
        if untokenized := prompts[ids.index([])]:
            raise OctavoError(
                f"this run's tokenizer has no token for anything in the prompt {untokenized[:40]!r}: use another"
            )
        raise OctavoError("this run's tokenizer has no BOS token: give a prompt that is not empty")
    table = tokenizer.token_bytes()
    streams = [IncrementalDetokenizer(table, tokenizer.bos_id, stop, sampling.max_new_tokens) for _ in ids]
    window = ContextWindow(context_length, tokenizer.bos_id)
    # 1. Heal the prompts' last tokens.
    if tokenizer.lossless and any(prompts):
        healer = Healer(table, lambda contexts: decoder.predict(contexts, window), decoder.sample_token)
        first_texts = [""] * len(ids)
        for index, prompt in enumerate(prompts):
            if prompt:
                ids[index], suffix = healer.heal(ids[index], sampling, first + index)
                first_texts[index] = streams[index].push_healed(suffix) if suffix else ""
        yield first_texts  # even if all are empty: nothing else may follow
    # 2. Decode, and turn each chunk of tokens into text.
    seeds = [(sampling.seed, first + index) for index in range(len(ids))]
    for chunk in decoder.decode(Request(ids, window, sampling, seeds, lambda index: streams[index].done)):
        yield [
            "" if stream.done or not tokens else stream.push(tokens)
            for tokens, stream in zip(chunk, streams, strict=True)
        ]
        if watch is not None:
            left = sum(0 if stream.done else stream.left for stream in streams)
            watch(1 - left / (sampling.max_new_tokens * len(streams)))


def complete_texts(decoder: Decoder, tokenizer: Tokenizer, prompts: Sequence[str], **options: Any) -> Iterator[str]:
    """Continue every prompt; yield the complete new texts in the order of the prompts.

    A text is yielded as soon as it and those before it have ended. Options and errors are those of
    :func:`continue_prompts`.
    """
    has_ended: Callable[[int], bool] = never_ends

    def decode(request: Request) -> Iterator[Chunk]:
        nonlocal has_ended
        has_ended = request.ended
        return decoder.decode(request)

    texts, n_yielded = [""] * len(prompts), 0
    for chunks in continue_prompts(decoder._replace(decode=decode), tokenizer, prompts, **options):
        texts = [text + chunk for text, chunk in zip(texts, chunks, strict=True)]
        while n_yielded < len(texts) and has_ended(n_yielded):
            yield texts[n_yielded]
            n_yielded += 1
    yield from texts[n_yielded:]  # those that ended before anything was decoded
