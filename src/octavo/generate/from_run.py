"""Text from a run that lies on the disk: by the kernels, where there are some, without loading torch at all."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from safetensors.numpy import load

from octavo.errors import OctavoError
from octavo.generate.packed import Array, Packed, can_pack
from octavo.generate.packed_decoding import decode_packed
from octavo.generate.text import continued
from octavo.model_shapes import model_shapes
from octavo.options import SamplingConfig
from octavo.runs import RunDirectory
from octavo.runs.whole import USABLE, Contents, newest_whole
from octavo.threads import threads_asked_for
from octavo.tokenizer import Tokenizer, load_tokenizer


def generate_from(
    directory: RunDirectory, prompts: Sequence[str], *, sampling: SamplingConfig, stop: Sequence[str] = ()
) -> Iterator[list[str]]:
    """Continue every prompt, as :func:`octavo.generate.text.continued` does, by a run's newest whole checkpoint.

    Raises:
        OctavoError: there is no such checkpoint, or it is of another model.
    """
    config = directory.config
    context = config.data.context_length
    tokenizer = load_tokenizer(directory.path / "tokenizer.json")
    if not can_pack(config.model, context):
        yield from _by_pytorch(directory, tokenizer, prompts, sampling, stop)
        return
    _, weights = newest_whole(directory.path / "checkpoints", _weights)
    shapes = {name: weight.shape for name, weight in weights.items()}
    fp32 = all(weight.dtype == np.float32 for weight in weights.values())
    if not fp32 or shapes != model_shapes(config.model, tokenizer.vocab_size):
        raise OctavoError("the checkpoint's weights are not those of config.toml: one of the two was changed")
    with_start = tokenizer.start_id is not None
    packed = Packed(config.model, tokenizer.vocab_size, weights, context, with_start=with_start)
    threads = threads_asked_for()
    decode = partial(decode_packed, packed, threads=threads)
    yield from continued(decode, tokenizer, prompts, context_length=context, sampling=sampling, stop=stop)


def _weights(contents: Contents) -> dict[str, Array]:
    files = [file for group in USABLE if (file := f"{group}.safetensors") in contents]
    if not files:
        raise ValueError("it holds no weights")
    return load(contents[files[0]])


def _by_pytorch(
    directory: RunDirectory,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    sampling: SamplingConfig,
    stop: Sequence[str],
) -> Iterator[list[str]]:
    from octavo.generate.from_model import generate  # only now, as torch takes longer to load than to write
    from octavo.model import Transformer
    from octavo.runs.checkpoint import load_newest
    from octavo.training import load_weights

    config = directory.config
    model = Transformer(config.model, tokenizer.vocab_size)
    load_weights(model, load_newest(directory.path / "checkpoints")[1].usable_weights)
    context = config.data.context_length
    return generate(model, tokenizer, prompts, context_length=context, sampling=sampling, stop=stop)
