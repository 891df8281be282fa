"""A run's model inside a page: its weights, rounded and written as base64, its tokenizer, and what generation needs.

The scripts in ``static/engine/`` run it; ``octavo.model`` is their interface. Matrices are rounded to fp16, or, where
the page would exceed two megabytes, to int8 with one scale for each row; vectors, such as those of norms, stay fp32.
:func:`rounded_model` has the same rounded weights, so that the cost of rounding can be measured.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from octavo.config import Config, ModelConfig
from octavo.errors import OctavoError
from octavo.evaluate.documents import scored_text
from octavo.evaluate.evaluation import Evaluation, evaluate
from octavo.generate.prompts import opening_of_run, training_line_end
from octavo.interpret.run_analyses import held_out_means
from octavo.interpret.tokens import token_labels, visible_label
from octavo.model import Transformer
from octavo.model.weights import Tensors, load_weights, named_weights
from octavo.reports.html.page import HtmlPart, render
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback, no_progress
from octavo.tokenizer import Tokenizer

Format = Literal["fp16", "int8"]
_MAX_PAGE_BYTES: dict[Format, int] = {"fp16": 2_000_000, "int8": 16_000_000}

# In this order: each file uses those before it.
ENGINE = tuple(
    f"engine/{name}.js"
    for name in (
        "weights",
        "layers",
        "positions",
        "cache",
        "taps",
        "inspector",
        "attention",
        "feedforward",
        "transformer",
        "words",
        "merges",
        "tokenizer",
        "sampling",
        "healing",
        "generate",
        "model",
    )
)


@dataclass(frozen=True)
class PackedModel:
    """A model as JSON for a page."""

    format: Format  # of its matrices
    data: dict[str, Any]
    weights: Tensors  # the rounded ones

    @property
    def n_bytes(self) -> int:
        """Return the bytes that it takes in a page."""
        return len(json.dumps(self.data, separators=(",", ":")))


def pack_run(run: SavedRun, other_bytes: int = 0) -> PackedModel:
    """Pack a run's model for a page whose other parts take `other_bytes`.

    Raises:
        OctavoError: the page would be too large, or the weights are not finite.
    """
    opening, model = opening_of_run(run.path / "data", run.tokenizer), run.config.model
    means_bytes = model.n_layers * (6 * (model.n_heads * model.head_width + model.d_model) + 200)  # fp32 in base64
    packed = pack_model(run.model, run.tokenizer, run.config, other_bytes + means_bytes, opening)
    packed.data["line_end"] = training_line_end(run.directory)
    with suppress(OctavoError):  # a split that is too short has no means, so the page has none
        packed.data["means"] = _pack_means(run)
    return packed


def _pack_means(run: SavedRun) -> dict[str, Any]:
    """Return the mean activations of heads and feed-forward layers, as mean ablation uses them; {} without a text.

    Raises:
        OctavoError: the validation split is too short.
    """
    if run.directory.shared:
        return {}
    sites = [
        f"blocks.{layer}.{site}"
        for layer in range(run.config.model.n_layers)
        for site in ("attention.heads", "feedforward.output")
    ]
    means = held_out_means(run, *sites)
    return {site: _pack_tensor(mean[0].squeeze(-2).numpy(), "fp32")[0] for site, mean in means.items()}


def pack_model(
    model: Transformer, tokenizer: Tokenizer, config: Config, other_bytes: int = 0, opening: Sequence[int] = ()
) -> PackedModel:
    """Pack a model in memory, as :func:`pack_run` does. `opening`: the tokens that an empty prompt is begun after.

    Raises:
        OctavoError: as :func:`pack_run`.
    """
    labels = [visible_label(label) for label in token_labels(tokenizer, range(tokenizer.vocab_size))]
    facts = {
        "config": page_config(config.model),
        "context_length": config.data.context_length,
        "tokenizer": pack_tokenizer(tokenizer),
        "opening": list(opening),
        "line_end": None,
        "labels": labels,
    }
    size = other_bytes + model.n_parameters() * 4 // 3  # base64 has four letters for three bytes
    for kind, most in _MAX_PAGE_BYTES.items():
        if size > most:
            continue
        tensors, weights = pack_weights(named_weights(model), kind)
        packed = PackedModel(kind, facts | {"weights": tensors}, weights)
        size = other_bytes + packed.n_bytes
        if size <= most:
            return packed
    raise OctavoError(
        f"the model would make a page of {size / 1e6:.1f} MB, where {_MAX_PAGE_BYTES['int8'] // 10**6} MB is the "
        "most: train a smaller model, or generate without a page"
    )


def rounded_model(packed: PackedModel, config: Config, vocab_size: int) -> Transformer:
    """Return the model that the page has: the same architecture with the rounded weights."""
    model = Transformer(config.model, vocab_size)
    load_weights(model, packed.weights)
    return model


def page_score(run: SavedRun, packed: PackedModel, watch: ProgressCallback = no_progress) -> Evaluation:
    """Return the standard score of the page's copy, to be shown beside the run's.

    Raises:
        OctavoError: the run was shared without its text.
    """
    return evaluate(
        rounded_model(packed, run.config, run.tokenizer.vocab_size),
        run.tokenizer,
        scored_text(run.split("validation"), run.tokenizer, ends=run.learns_ends),
        context_length=run.config.data.context_length,
        watch=watch,
    )


def model_part(packed: PackedModel) -> HtmlPart:
    """Return the model for a page, which shows nothing itself: other parts use ``octavo.model``."""
    return HtmlPart(render("model.html", data=packed.data), ENGINE)


def page_config(config: ModelConfig) -> dict[str, Any]:
    """Return the config of a model, with the values that follow from it."""
    return asdict(config) | {"head_width": config.head_width, "key_value_heads": config.key_value_heads}


def pack_tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return kind, word split, tokens by id, and merges as ids: left, right, merged."""
    pipeline = json.loads(tokenizer.pipeline.to_str())
    vocabulary: Mapping[str, int] = pipeline["model"]["vocab"]
    splits = {"Sequence": "qwen", "ByteLevel": "gpt-2", "Whitespace": "whitespace"}
    before = pipeline["pre_tokenizer"]
    return {
        "kind": tokenizer.kind,
        "split": splits[before["type"]] if before else None,
        "tokens": sorted(vocabulary, key=vocabulary.__getitem__),
        "merges": [
            [vocabulary[left], vocabulary[right], vocabulary[left + right]]
            for left, right in pipeline["model"]["merges"]
        ],
        "bos_id": tokenizer.bos_id,
    }


def pack_weights(weights: Tensors, kind: Format) -> tuple[dict[str, Any], Tensors]:
    """Return the weights as JSON by name, matrices in the format `kind`, and the same rounded weights as tensors.

    Raises:
        OctavoError: they are not finite.
    """
    tensors, rounded = {}, {}
    for name, weight in weights.items():
        tensors[name], values = _pack_tensor(weight.numpy(), kind if weight.ndim == 2 else "fp32")
        rounded[name] = torch.from_numpy(values)
        if not np.isfinite(values).all():
            raise OctavoError(
                f"the weights {name} are too large for a page: train again with a lower optimizer.learning_rate"
            )
    return tensors, rounded


def _pack_tensor(
    values: npt.NDArray[np.float32], kind: Literal["fp32", "fp16", "int8"]
) -> tuple[dict[str, Any], npt.NDArray[np.float32]]:
    """Return a tensor as JSON, and its rounded values."""
    packed: dict[str, Any] = {"format": kind, "shape": list(values.shape)}
    if kind == "int8":
        scales = (np.abs(values).max(axis=1) / 127).astype("<f4")
        steps = np.where(scales > 0, scales, 1)[:, None]
        integers = np.nan_to_num(np.rint(values / steps)).clip(-127, 127).astype(np.int8)
        packed |= {"values": _base64(integers), "scales": _base64(scales)}
        return packed, integers.astype(np.float32) * scales[:, None]
    with np.errstate(over="ignore"):  # the caller refuses infinite weights
        numbers = np.ascontiguousarray(values).astype("<f2" if kind == "fp16" else "<f4")
    packed["values"] = _base64(numbers)
    return packed, numbers.astype(np.float32)


def _base64(values: npt.NDArray[Any]) -> str:
    return b64encode(values.tobytes()).decode("ascii")
