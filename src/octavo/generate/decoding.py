"""Decode with PyTorch: prefill a window, decode one token at a time, turn logits into tokens.

B streams, T positions of a window, V vocabulary. Where there are kernels for a model, decoding is left to
:mod:`octavo.generate.native`; a test holds both to the same tokens.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch

from octavo.config.inference import SamplingConfig
from octavo.generate.native import PackedWeights, can_pack, decode_packed, predict_packed
from octavo.generate.streams import Chunk, ContextWindow, Request, in_groups, random_generators
from octavo.model import KeyValueCache, Transformer

_GREEDY = 1e-6  # a temperature below leaves only the most likely token, and would divide by almost zero


class _Cached(NamedTuple):
    shape: tuple[int, bool]
    numbers: torch.Tensor  # the weights that were packed
    packed: PackedWeights


_cache: WeakKeyDictionary[Transformer, _Cached] = WeakKeyDictionary()


def decode(model: Transformer, request: Request) -> Iterator[Chunk]:
    """Yield the next tokens of each stream until all have ``sampling.max_new_tokens``, or have ``ended``.

    When the context is full, the model reads its newer half as a window of its own, so that positions stay within
    those it was trained on.
    """
    if weights := packed_weights(model, request.window.length, with_bos=request.window.bos_id is not None):
        return decode_packed(weights, torch.get_num_threads(), request)
    return in_groups(partial(_decode_streams, model), _bytes_per_stream(model, request.window.length))(request)


def predict(model: Transformer, contexts: Sequence[Sequence[int]], window: ContextWindow) -> npt.NDArray[np.float32]:
    """Return the logits (contexts, V) of the token that follows each context, from the window :func:`decode` reads.

    Contexts come without a BOS token and, unless there is one, are not empty.
    """
    if weights := packed_weights(model, window.length, with_bos=window.bos_id is not None):
        return predict_packed(weights, torch.get_num_threads(), contexts, window)
    with torch.inference_mode():
        inputs = [torch.tensor([window.ids(context, len(context))]) for context in contexts]
        logits: npt.NDArray[np.float32] = torch.stack([model(ids)[0, -1].float() for ids in inputs]).numpy()
    return logits


def sample_token(logits: Sequence[float], sampling: SamplingConfig, uniform: float) -> int:
    """Return the index in `logits` that the number `uniform` in [0, 1) selects."""
    probs = logits_to_probs(torch.tensor([logits]), sampling)
    return int(sample(probs, torch.tensor([uniform], dtype=torch.float64)))


def _decode_streams(model: Transformer, request: Request) -> Iterator[Chunk]:
    """Decode streams together, one position a chunk.

    The positions that all prompts fill are prefilled at once, the rest of the longer ones is fed token by token, so
    nothing is padded.
    """
    streams, generators = [list(prompt) for prompt in request.prompts], random_generators(request.seeds)
    window, sampling = request.window, request.sampling
    ends = [len(stream) + sampling.max_new_tokens for stream in streams]
    position, start = min(map(len, streams)), -1  # the position that is predicted, and where its window begins
    while any(position < end and not request.ended(i) for i, end in enumerate(ends)):
        # 1. Logits of the next token: read a new window, or the newest token of each stream.
        if start != (start := window.start(position)):
            cache = KeyValueCache(model.config, len(streams), window.length)
            logits = read(model, [window.ids(stream, position) for stream in streams], cache)
        else:
            logits = read(model, [stream[position - 1 : position] for stream in streams], cache)
        # 2. A token for each stream. One inside its prompt draws no random number: its first belongs to its first
        #    new token.
        in_prompt = [position < len(stream) for stream in streams]
        uniforms = [0.0 if p else g.random() for p, g in zip(in_prompt, generators, strict=True)]
        tokens = sample(logits_to_probs(logits, sampling), torch.tensor(uniforms, dtype=torch.float64)).tolist()
        # 3. Append it, and yield what is new.
        for stream, token, p in zip(streams, tokens, in_prompt, strict=True):
            if not p:
                stream.append(token)
        yield [[] if p or position >= end else [t] for t, p, end in zip(tokens, in_prompt, ends, strict=True)]
        position += 1


@torch.inference_mode()
def read(model: Transformer, ids: Sequence[Sequence[int]], cache: KeyValueCache) -> torch.Tensor:
    """Append token ids (B, T) to the cache, a window or one token; return the logits (B, V) of the next token."""
    logits: torch.Tensor = model(torch.tensor(ids), cache=cache)[:, -1]
    return logits


def _bytes_per_stream(model: Transformer, context_length: int) -> int:
    """Estimate the memory of one stream: its keys and values, and its logits while a window is read."""
    config = model.config
    keys_and_values = 2 * config.n_layers * config.key_value_heads * config.head_width
    return 4 * context_length * (keys_and_values + config.d_ff + 2 * model.vocab_size)


def packed_weights(model: Transformer, context_length: int, *, with_bos: bool) -> PackedWeights | None:
    """Return the model's weights in the layout of the kernels; None if there are no kernels for this model.

    They are packed for windows of `context_length` positions, of which a BOS token may take the first. They are
    packed once, and again after the weights have changed.
    """
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    on_cpu_in_fp32 = all(w.is_cpu and w.dtype == torch.float32 for w in weights.values())
    if not on_cpu_in_fp32 or not can_pack(model.config, context_length):
        return None
    # Values are compared: a fused optimizer, for one, changes weights without increasing their version counter.
    numbers = torch.cat([weight.flatten() for weight in weights.values()])
    cached, shape = _cache.get(model), (context_length, with_bos)
    if cached is None or cached.shape != shape or not torch.equal(cached.numbers, numbers):
        arrays = {name: weight.numpy() for name, weight in weights.items()}
        packed = PackedWeights(model.config, model.vocab_size, arrays, context_length, with_bos=with_bos)
        cached = _cache[model] = _Cached(shape, numbers, packed)
    return cached.packed


def logits_to_probs(logits: torch.Tensor, sampling: SamplingConfig) -> torch.Tensor:
    """Return the distribution (B, V), float32, that a token is drawn from, given logits (B, V).

    The temperature comes first, then top-k (Fan et al., 2018), top-p (Holtzman et al., 2020) and min-p (Nguyen et
    al., 2024).
    """
    logits = logits.float()
    if sampling.temperature < _GREEDY:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    logits = (logits - logits.amax(-1, keepdim=True)) / sampling.temperature
    if 0 < sampling.top_k < logits.shape[-1]:
        top = logits.topk(sampling.top_k)
        logits = torch.full_like(logits, -torch.inf).scatter(-1, top.indices, top.values)
    probs = logits.softmax(-1)
    if sampling.top_p < 1:
        ordered, indices = probs.sort(-1, descending=True)
        before = ordered.cumsum(-1) - ordered  # the sum over more likely tokens; the most likely token always stays
        probs = probs.masked_fill((before >= sampling.top_p).gather(-1, indices.argsort(-1)), 0.0)
    if sampling.min_p > 0:
        probs = probs.masked_fill(probs < sampling.min_p * probs.amax(-1, keepdim=True), 0.0)
    return probs / probs.sum(-1, keepdim=True)


def sample(probs: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """Return a token for each stream (B,): where its number in [0, 1) falls in its cumulative distribution.

    Args:
        probs: the distributions (B, V).
        uniforms: the random numbers (B,), float64.
    """
    cumulative = probs.double().cumsum(-1)
    tokens = torch.searchsorted(cumulative, (uniforms.double() * cumulative[:, -1])[:, None], right=True)
    last_possible = probs.shape[-1] - 1 - (probs.flip(-1) > 0).int().argmax(-1)
    return torch.minimum(tokens.squeeze(-1), last_possible)
