"""Many texts one after the other, each as soon as it is whole. Importing this takes no torch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from octavo.generate.streams import Chunk, Decoder, never_ends
from octavo.generate.text import continue_prompts
from octavo.tokenizer import Tokenizer


def whole_texts(decoder: Decoder, tokenizer: Tokenizer, prompts: Sequence[str], **options: Any) -> Iterator[str]:
    """Continue every prompt as :func:`continue_prompts` does; yield the new texts in the order of
    the prompts, each when it and those before it have ended.

    Raises:
        OctavoError: as there.
    """
    has_ended: Callable[[int], bool] = never_ends

    def followed(
        prompts: Sequence[Sequence[int]], *, ended: Callable[[int], bool], **options: Any
    ) -> Iterator[Chunk]:
        nonlocal has_ended
        has_ended = ended
        return decoder.decode(prompts, ended=ended, **options)

    texts, yielded = [""] * len(prompts), 0
    for pieces in continue_prompts(decoder._replace(decode=followed), tokenizer, prompts, **options):
        texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
        while yielded < len(texts) and has_ended(yielded):
            yield texts[yielded]
            yielded += 1
    yield from texts[yielded:]  # those that ended before anything was decoded
