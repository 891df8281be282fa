"""Text from a model that is in memory."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from octavo.generate.chunks import Decoder
from octavo.generate.decoding import decode, pick, predict
from octavo.generate.text import continued
from octavo.model import Transformer
from octavo.options import SamplingConfig
from octavo.tokenizer import Tokenizer


def decoder_of(model: Transformer) -> Decoder:
    """Return what writes with `model`."""
    return Decoder(partial(decode, model), partial(predict, model), pick)


def generate(
    model: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    context_length: int,
    sampling: SamplingConfig,
    stop: Sequence[str] = (),
    opening: Sequence[int] = (),
    watch: Callable[[float], object] | None = None,
) -> Iterator[list[str]]:
    """Continue every prompt, as :func:`octavo.generate.text.continued` does."""
    return continued(
        decoder_of(model),
        tokenizer,
        prompts,
        context_length=context_length,
        sampling=sampling,
        stop=stop,
        opening=opening,
        watch=watch,
    )
