"""Generate text with a run on disk or with a model in memory.

A run on disk is decoded with the kernels, where there are some, without loading torch. Importing this takes no torch.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load

from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.formats.toml_schema import from_mapping
from octavo.generate.native import Array, PackedWeights, can_pack, decode_packed, predict_packed
from octavo.generate.prompts import opening_of_run, with_training_line_ends
from octavo.generate.streams import Decoder
from octavo.generate.text import complete_texts, continue_prompts
from octavo.kernels import decoding as native
from octavo.runs import RunDirectory
from octavo.runs.checkpoint_files import EVAL_GROUPS, Contents, max_file_bytes, newest_valid
from octavo.runs.safetensors_layout import check_shapes
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback
from octavo.system.threads import requested_threads
from octavo.tokenizer import Tokenizer, load_tokenizer

if TYPE_CHECKING:
    from octavo.model import Transformer


def generate_from(
    directory: RunDirectory, prompts: Sequence[str], *, sampling: SamplingConfig, stop: Sequence[str] = ()
) -> Iterator[list[str]]:
    """Continue every prompt with a run's newest valid checkpoint, as :func:`continue_prompts` does.

    Raises:
        OctavoError: there is no valid checkpoint, it is of another model, or a prompt or stop text cannot be used.
    """
    decoder, tokenizer = _load_decoder(directory)
    options = _prompt_options(directory, tokenizer, prompts)
    return continue_prompts(decoder, tokenizer, prompts, sampling=sampling, stop=stop, **options)


def complete_texts_from(
    directory: RunDirectory, prompts: Sequence[str], *, sampling: SamplingConfig, stop: Sequence[str] = ()
) -> Iterator[str]:
    """Continue every prompt with a run's newest valid checkpoint, as :func:`complete_texts` does.

    Raises:
        OctavoError: as :func:`generate_from`.
    """
    decoder, tokenizer = _load_decoder(directory)
    options = _prompt_options(directory, tokenizer, prompts)
    return complete_texts(decoder, tokenizer, prompts, sampling=sampling, stop=stop, **options)


def _prompt_options(directory: RunDirectory, tokenizer: Tokenizer, prompts: Sequence[str]) -> dict[str, Any]:
    opening = opening_of_run(directory.path / "data", tokenizer) if "" in prompts else []
    return {"context_length": directory.config.data.context_length, "opening": opening}


def _load_decoder(directory: RunDirectory) -> tuple[Decoder, Tokenizer]:
    """Return a decoder with the newest valid checkpoint, and the run's tokenizer."""
    config = directory.config
    context = config.data.context_length
    tokenizer = load_tokenizer(directory.path / "tokenizer.json")
    folder, max_bytes = directory.path / "checkpoints", max_file_bytes(config)
    if not can_pack(config.model, context):
        # Importing torch takes longer than generating a short text.
        from octavo.runs.checkpoint import load_newest, model_of

        model = model_of(load_newest(folder, max_bytes)[1].eval_weights, config, tokenizer.vocab_size)
        return decoder_of(model), tokenizer
    _, weights = newest_valid(folder, _read_eval_weights, max_bytes)
    check_shapes({name: weight.shape for name, weight in weights.items()}, config.model, tokenizer.vocab_size)
    if not all(weight.dtype == np.float32 for weight in weights.values()):
        raise OctavoError("the checkpoint's weights do not fit config.toml: restore the one that was changed")
    with_bos = tokenizer.bos_id is not None
    packed = PackedWeights(config.model, tokenizer.vocab_size, weights, context, with_bos=with_bos)
    threads = requested_threads()
    decode = partial(decode_packed, packed, threads=threads)
    predict = partial(predict_packed, packed, threads=threads)
    return Decoder(decode, predict, native.sample_token), tokenizer


def _read_eval_weights(contents: Contents) -> dict[str, Array]:
    files = [file for group in EVAL_GROUPS if (file := f"{group}.safetensors") in contents]
    if not files:
        raise ValueError("it has no weights")
    return load(contents[files[0]])


def generate_many(
    run: SavedRun, prompts: Sequence[str], *, stop: str | Sequence[str] = (), **sampling: Any
) -> Iterator[list[str]]:
    """Continue all prompts together with a run's model; yield the text that each has grown by, chunk by chunk.

    Line ends of any kind in prompts and stop texts match those of the training text; a text keeps the line ends that
    the model generates.

    Args:
        run: the run.
        prompts: the beginnings; an empty one begins at the start of a document or a line.
        stop: texts at which a text ends.
        sampling: any field of :class:`octavo.config.inference.SamplingConfig`.

    Raises:
        OctavoError: an option is out of range.

    Example:
        >>> chunks = list(run.generate_many(["ROMEO:", "JULIET:"], max_new_tokens=9))
        >>> ["".join(column) for column in zip(*chunks)][0] == run.generate("ROMEO:", max_new_tokens=9)
        True
    """
    if "" in prompts and "opening" not in run.result_cache:  # it takes reading and hashing all token ids
        run.result_cache["opening"] = opening_of_run(run.path / "data", run.tokenizer)
    return generate(
        run.model,
        run.tokenizer,
        with_training_line_ends(run.directory, prompts),
        context_length=run.config.data.context_length,
        sampling=from_mapping(SamplingConfig, sampling),
        stop=[stop] if isinstance(stop, str) else stop,
        opening=run.result_cache["opening"] if "" in prompts else [],
    )


def decoder_of(model: "Transformer") -> Decoder:
    """Return a decoder for a model in memory."""
    from octavo.generate.decoding import decode, predict, sample_token

    return Decoder(partial(decode, model), partial(predict, model), sample_token)


def generate(
    model: "Transformer",
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    context_length: int,
    sampling: SamplingConfig,
    stop: Sequence[str] = (),
    opening: Sequence[int] = (),
    watch: ProgressCallback | None = None,
) -> Iterator[list[str]]:
    """Continue every prompt with a model in memory, as :func:`continue_prompts` does."""
    return continue_prompts(
        decoder_of(model),
        tokenizer,
        prompts,
        context_length=context_length,
        sampling=sampling,
        stop=stop,
        opening=opening,
        watch=watch,
    )
