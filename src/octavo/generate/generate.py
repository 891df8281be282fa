"""Generate text with a run on disk or with a model in memory.

A run on disk is decoded with the kernels, where there are some, without loading torch. Importing this takes no torch.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load

from octavo.config import Config
from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.formats.toml_schema import from_mapping
from octavo.generate.documents import IsKnown, known_texts, only_new
from octavo.generate.native import Array, PackedWeights, can_pack, decode_packed, predict_packed
from octavo.generate.prompts import opening_of_run, with_training_line_ends
from octavo.generate.streams import Decoder
from octavo.generate.text import complete_texts, continue_prompts
from octavo.kernels import decoding as native
from octavo.runs import RunDirectory
from octavo.runs.checkpoint_files import EVAL_GROUPS, Contents, max_file_bytes, newest_valid
from octavo.runs.safetensors_layout import check_shapes
from octavo.runs.saved_run import SavedRun
from octavo.system.threads import requested_threads
from octavo.tokenizer import Tokenizer, load_tokenizer

if TYPE_CHECKING:
    from octavo.model import Transformer

MAX_COUNT = 10_000  # texts


def generate_from(
    directory: RunDirectory, prompts: Sequence[str], *, sampling: SamplingConfig, stop: Sequence[str] = ()
) -> Iterator[list[str]]:
    """Continue every prompt with a run's newest valid checkpoint, as :func:`continue_prompts` does.

    Raises:
        OctavoError: there is no valid checkpoint, it is of another model, or a prompt or stop text cannot be used.
    """
    return continue_prompts(**_load_decoder(directory, prompts), prompts=prompts, sampling=sampling, stop=stop)


def complete_texts_from(
    directory: RunDirectory, prompts: Sequence[str], *, sampling: SamplingConfig, stop: Sequence[str] = ()
) -> Iterator[str]:
    """Continue every prompt with a run's newest valid checkpoint, as :func:`complete_texts` does.

    Raises:
        OctavoError: as :func:`generate_from`.
    """
    return complete_texts(**_load_decoder(directory, prompts), prompts=prompts, sampling=sampling, stop=stop)


def completer_from(
    directory: RunDirectory, prompts: Sequence[str], *, stop: Sequence[str] = ()
) -> Callable[[Sequence[str], SamplingConfig], Iterator[str]]:
    """Load a run's newest valid checkpoint once; return :func:`complete_texts` of any of these prompts.

    Raises:
        OctavoError: as :func:`generate_from`.
    """
    loaded = _load_decoder(directory, prompts)

    def complete(some: Sequence[str], sampling: SamplingConfig) -> Iterator[str]:
        return complete_texts(**loaded, prompts=some, sampling=sampling, stop=stop)

    return complete


def new_texts_from(
    directory: RunDirectory, prompt: str, count: int, *, sampling: SamplingConfig, stop: Sequence[str] = ()
) -> Iterator[str]:
    """Yield up to `count` new texts, with their prompt, as :func:`generate_new` returns them.

    Raises:
        OctavoError: as :func:`generate_from`, or the run's text is damaged.
    """
    loaded = _load_decoder(directory, [prompt])
    is_known = known_texts(directory, loaded["tokenizer"])
    return _new_texts(loaded, prompt, count, is_known, sampling=sampling, stop=stop)


def _new_texts(loaded: dict[str, Any], prompt: str, count: int, is_known: IsKnown, **options: Any) -> Iterator[str]:
    def generate(first: int, together: int) -> Iterator[str]:
        texts = complete_texts(**loaded, prompts=[prompt] * together, first=first, **options)
        return (prompt + text for text in texts)

    return only_new(generate, is_known, count)


def _load_decoder(directory: RunDirectory, prompts: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of :func:`continue_prompts` that a run gives: its decoder, tokenizer and opening."""
    config, tokenizer = directory.config, load_tokenizer(directory.path / "tokenizer.json")
    return {
        "decoder": _newest_decoder(directory, config, tokenizer),
        "tokenizer": tokenizer,
        "context_length": config.data.context_length,
        "opening": opening_of_run(directory.path / "data", tokenizer) if "" in prompts else [],
    }


def _newest_decoder(directory: RunDirectory, config: Config, tokenizer: Tokenizer) -> Decoder:
    """Return a decoder with the newest valid checkpoint."""
    context, vocab_size = config.data.context_length, tokenizer.vocab_size
    folder, max_bytes = directory.path / "checkpoints", max_file_bytes(config)
    if not can_pack(config.model, context):
        # Importing torch takes longer than generating a short text.
        from octavo.runs.checkpoint import load_newest, model_of

        return decoder_of(model_of(load_newest(folder, max_bytes)[1].eval_weights, config, vocab_size))
    _, weights = newest_valid(folder, _read_eval_weights, max_bytes)
    check_shapes({name: weight.shape for name, weight in weights.items()}, config.model, vocab_size)
    if not all(weight.dtype == np.float32 for weight in weights.values()):
        raise OctavoError("the checkpoint's weights do not fit config.toml: restore the one that was changed")
    packed = PackedWeights(config.model, vocab_size, weights, context, with_bos=tokenizer.bos_id is not None)
    threads = requested_threads()
    decode, predict = partial(decode_packed, packed, threads), partial(predict_packed, packed, threads)
    return Decoder(decode, predict, native.sample_token)


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
    return continue_prompts(
        decoder_of(run.model),
        run.tokenizer,
        with_training_line_ends(run.directory, prompts),
        context_length=run.config.data.context_length,
        sampling=from_mapping(SamplingConfig, sampling),
        stop=[stop] if isinstance(stop, str) else stop,
        opening=run.result_cache["opening"] if "" in prompts else [],
    )


def generate_new(
    run: SavedRun, count: int, prompt: str = "", *, stop: str | Sequence[str] = (), **sampling: Any
) -> list[str]:
    """Generate different texts that the run's own text does not contain.

    If the run's documents are lines, records or the like, a text is new unless it is a document of the training,
    validation or test split. Otherwise it is new unless it occurs verbatim in the training split. Blank texts are not
    new.

    Args:
        run: the run.
        count: how many texts; fewer are returned if 20 times as many have been generated.
        prompt: the beginning of each text; an empty one begins at the start of a document or a line.
        stop: texts at which a text ends.
        sampling: any field of :class:`octavo.config.inference.SamplingConfig`.

    Returns:
        The texts, each with its prompt. They are those of :meth:`generate_many` for as many prompts, without some.

    Raises:
        OctavoError: an option is out of range, or the run's text is damaged.

    Example:
        >>> texts = run.generate_new(2, max_new_tokens=30)
        >>> any(text in run.splits["train"].text for text in texts)
        False
    """
    if not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise OctavoError(f"{count} texts are out of range: give 1 to {MAX_COUNT:,}")
    (prompt,) = with_training_line_ends(run.directory, [prompt])
    loaded = {
        "decoder": decoder_of(run.model),
        "tokenizer": run.tokenizer,
        "context_length": run.config.data.context_length,
        "opening": [] if prompt else opening_of_run(run.path / "data", run.tokenizer),
    }
    options = {"sampling": from_mapping(SamplingConfig, sampling), "stop": [stop] if isinstance(stop, str) else stop}
    return list(_new_texts(loaded, prompt, count, known_texts(run.directory, run.tokenizer), **options))


def decoder_of(model: "Transformer") -> Decoder:
    """Return a decoder for a model in memory."""
    from octavo.generate.decoding import decode, predict, sample_token

    return Decoder(partial(decode, model), partial(predict, model), sample_token)
