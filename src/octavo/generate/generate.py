"""Text from a run that lies on the disk: by the kernels, where there are some, without loading torch at all.

Text from a model that is in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from safetensors.numpy import load

from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.generate.decoding import decode, pick, predict
from octavo.generate.native import Array, Packed, can_pack, decode_packed, predict_packed
from octavo.generate.opening import opening_of_run
from octavo.generate.streams import Decoder
from octavo.generate.text import continued
from octavo.generate.whole_texts import whole_texts
from octavo.kernels import decoding as native
from octavo.model import Transformer
from octavo.runs import RunDirectory
from octavo.runs.checkpoint_files import USABLE, Contents, most_bytes, newest_whole
from octavo.runs.safetensors_layout import check_shapes
from octavo.system.threads import threads_asked_for
from octavo.tokenizer import Tokenizer, load_tokenizer


def generate_from(
    directory: RunDirectory, prompts: Sequence[str], *, sampling: SamplingConfig, stop: Sequence[str] = ()
) -> Iterator[list[str]]:
    """Continue every prompt, as :func:`octavo.generate.text.continued` does, by a run's newest whole checkpoint.

    Raises:
        OctavoError: there is no such checkpoint, or it is of another model.
    """
    decoder, tokenizer = _decoder_of(directory)
    asked = _asked(directory, tokenizer, prompts)
    return continued(decoder, tokenizer, prompts, sampling=sampling, stop=stop, **asked)


def whole_texts_from(
    directory: RunDirectory, prompts: Sequence[str], *, sampling: SamplingConfig, stop: Sequence[str] = ()
) -> Iterator[str]:
    """Continue every prompt, as :func:`octavo.generate.whole_texts.whole_texts` does, by the same checkpoint.

    Raises:
        OctavoError: as :func:`generate_from`.
    """
    decoder, tokenizer = _decoder_of(directory)
    asked = _asked(directory, tokenizer, prompts)
    return whole_texts(decoder, tokenizer, prompts, sampling=sampling, stop=stop, **asked)


def _asked(directory: RunDirectory, tokenizer: Tokenizer, prompts: Sequence[str]) -> dict[str, Any]:
    opening = opening_of_run(directory.path / "data", tokenizer) if "" in prompts else []
    return {"context_length": directory.config.data.context_length, "opening": opening}


def _decoder_of(directory: RunDirectory) -> tuple[Decoder, Tokenizer]:
    """Return what decodes by the newest whole checkpoint, and the run's tokenizer."""
    config = directory.config
    context = config.data.context_length
    tokenizer = load_tokenizer(directory.path / "tokenizer.json")
    folder, most = directory.path / "checkpoints", most_bytes(config)
    if not can_pack(config.model, context):
        # With torch, whose import takes longer than a short text.
        from octavo.runs.checkpoint import load_newest
        from octavo.training import model_of

        model = model_of(load_newest(folder, most)[1].usable_weights, config, tokenizer.vocab_size)
        return decoder_of(model), tokenizer
    _, weights = newest_whole(folder, _weights, most)
    check_shapes({name: weight.shape for name, weight in weights.items()}, config.model, tokenizer.vocab_size)
    if not all(weight.dtype == np.float32 for weight in weights.values()):
        raise OctavoError("the checkpoint's weights are not those of config.toml: one of the two was changed")
    with_start = tokenizer.start_id is not None
    packed = Packed(config.model, tokenizer.vocab_size, weights, context, with_start=with_start)
    threads = threads_asked_for()
    decode = partial(decode_packed, packed, threads=threads)
    predict = partial(predict_packed, packed, threads=threads)
    return Decoder(decode, predict, native.pick), tokenizer


def _weights(contents: Contents) -> dict[str, Array]:
    files = [file for group in USABLE if (file := f"{group}.safetensors") in contents]
    if not files:
        raise ValueError("it holds no weights")
    return load(contents[files[0]])


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
