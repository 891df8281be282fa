"""Prefill and decode: prompts of token ids in; out, chunk by chunk, the tokens that each stream grows by.

B streams, T positions, V vocabulary.

From logits to a token: pure functions. B streams, V vocabulary.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch

from octavo.config.inference import SamplingConfig
from octavo.generate.native import PackedWeights, can_pack, decode_packed, predict_packed
from octavo.generate.streams import Chunk, Decode, in_groups, never_ends, random_numbers, window_start
from octavo.model import KeyValueCache, Transformer


class _Known(NamedTuple):
    shape: tuple[int, bool]
    numbers: torch.Tensor  # the weights that were packed
    packed: PackedWeights


_packed: WeakKeyDictionary[Transformer, _Known] = WeakKeyDictionary()


def decode(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    *,
    context_length: int,
    bos_id: int | None,
    sampling: SamplingConfig,
    seeds: Sequence[Sequence[int]],
    ended: Callable[[int], bool] = never_ends,
) -> Iterator[Chunk]:
    """Yield each stream's next tokens, until all have as many as `sampling` says, or have ``ended``.

    Prompts come without start token and, unless there is one, are not empty. When the context is full, the model
    reads its newer half anew as a window of its own, so that positions stay those that it was trained on. Stream i
    draws from ``seeds[i]`` alone, whatever the others are. A stream that has ``ended`` may get more tokens or not.
    """
    way: Decode = in_groups(partial(_with_pytorch, model), _bytes_of_a_stream(model, context_length))
    if weights := packed_weights(model, context_length, with_start=bos_id is not None):
        way = partial(decode_packed, weights, threads=torch.get_num_threads())
    return way(prompts, context_length=context_length, bos_id=bos_id, sampling=sampling, seeds=seeds, ended=ended)


def predict(
    model: Transformer, contexts: Sequence[Sequence[int]], *, context_length: int, bos_id: int | None
) -> npt.NDArray[np.float32]:
    """The logits (contexts, V) of the token that comes after each context, from the window that :func:`decode` reads.

    Contexts come without start token and, unless there is one, are not empty.
    """
    if weights := packed_weights(model, context_length, with_start=bos_id is not None):
        threads = torch.get_num_threads()
        return predict_packed(weights, contexts, threads=threads, context_length=context_length, bos_id=bos_id)
    first = [] if bos_id is None else [bos_id]
    room = context_length - len(first)
    windows = [first + list(context[window_start(len(context), room) :]) for context in contexts]
    with torch.inference_mode():
        rows = [model(torch.tensor([window]))[0, -1].float() for window in windows]
    logits: npt.NDArray[np.float32] = torch.stack(rows).numpy()
    return logits


def sample_token(logits: Sequence[float], sampling: SamplingConfig, uniform: float) -> int:
    """The place in `logits` that `uniform` draws."""
    p = logits_to_probs(torch.tensor([logits]), sampling)
    return int(sample(p, torch.tensor([uniform], dtype=torch.float64)))


def _with_pytorch(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    *,
    context_length: int,
    bos_id: int | None,
    sampling: SamplingConfig,
    seeds: Sequence[Sequence[int]],
    ended: Callable[[int], bool],
) -> Iterator[Chunk]:
    """A chunk is a step. The streams advance together: what all prompts have is read at once and the rest of the
    longer ones token by token, so nothing is padded."""
    streams, randoms = [list(prompt) for prompt in prompts], random_numbers(seeds)
    first = [] if bos_id is None else [bos_id]
    room = context_length - len(first)
    place = min(map(len, streams))  # the position that the coming step fills
    ends = [len(stream) + sampling.max_new_tokens for stream in streams]
    begin = -1
    while any(place < end and not ended(i) for i, end in enumerate(ends)):
        if begin != (begin := window_start(place, room)):
            cache = KeyValueCache(model.config, len(streams), context_length)
            pending = [first + stream[begin:place] for stream in streams]
        else:
            pending = [[stream[place - 1]] for stream in streams]
        with torch.inference_mode():
            logits = model(torch.tensor(pending), cache=cache)[:, -1]
            reading = [place < len(stream) for stream in streams]
            # A stream that still reads draws nothing: its first number belongs to its first new token.
            uniforms = [0.0 if r else random.random() for r, random in zip(reading, randoms, strict=True)]
            drawn = sample(logits_to_probs(logits, sampling), torch.tensor(uniforms, dtype=torch.float64)).tolist()
        for stream, token, r in zip(streams, drawn, reading, strict=True):
            if not r:
                stream.append(token)
        yield [[] if r or place >= end else [token] for token, r, end in zip(drawn, reading, ends, strict=True)]
        place += 1


def _bytes_of_a_stream(model: Transformer, context_length: int) -> int:
    """Return about how much memory one stream takes: its keys and values, and its logits while its window is read."""
    config = model.config
    keys_and_values = 2 * config.n_layers * config.key_value_heads * config.head_width
    return 4 * context_length * (keys_and_values + config.d_ff + 2 * model.vocab_size)


def packed_weights(model: Transformer, context_length: int, *, with_start: bool) -> PackedWeights | None:
    """The model's weights for windows of `context_length` positions, of which the start token may take the first;
    None where there are no kernels, or not for this model. They are packed once, and again when they have changed.
    """
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    plain = all(w.is_cpu and w.dtype == torch.float32 for w in weights.values())
    if not plain or not can_pack(model.config, context_length):
        return None
    # Compared by what they are: not everything that moves weights, such as a fused optimizer, counts versions.
    numbers = torch.cat([weight.flatten() for weight in weights.values()])
    known = _packed.get(model)
    if known is None or known.shape != (context_length, with_start) or not torch.equal(known.numbers, numbers):
        arrays = {name: weight.numpy() for name, weight in weights.items()}
        made = PackedWeights(model.config, model.vocab_size, arrays, context_length, with_start=with_start)
        known = _packed[model] = _Known((context_length, with_start), numbers, made)
    return known.packed


_GREEDY = 1e-6  # so low a temperature divides by almost nothing, and has no other choice than the likeliest


def logits_to_probs(logits: torch.Tensor, sampling: SamplingConfig) -> torch.Tensor:
    """The distribution (B, V) that a token is drawn from, float32.

    Top-k of Fan et al. (2018), top-p of Holtzman et al. (2020), min-p of Nguyen et al. (2024), in that order,
    after the temperature.
    """
    logits = logits.float()
    if sampling.temperature < _GREEDY:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    logits = (logits - logits.amax(-1, keepdim=True)) / sampling.temperature
    if 0 < sampling.top_k < logits.shape[-1]:
        likeliest = logits.topk(sampling.top_k)
        logits = torch.full_like(logits, -torch.inf).scatter(-1, likeliest.indices, likeliest.values)
    p = logits.softmax(-1)
    if sampling.top_p < 1:
        ordered, places = p.sort(-1, descending=True)
        before = ordered.cumsum(-1) - ordered  # what likelier tokens have; the likeliest always stays
        p = p.masked_fill((before >= sampling.top_p).gather(-1, places.argsort(-1)), 0.0)
    if sampling.min_p > 0:
        p = p.masked_fill(p < sampling.min_p * p.amax(-1, keepdim=True), 0.0)
    return p / p.sum(-1, keepdim=True)


def sample(p: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    """Tokens (B,): for each stream the one in whose share of the distribution (B, V) its uniform (B,) falls."""
    edges = p.double().cumsum(-1)
    drawn = torch.searchsorted(edges, (uniforms.double() * edges[:, -1])[:, None], right=True)
    likely = p.shape[-1] - 1 - (p.flip(-1) > 0).int().argmax(-1)  # the last that can be
    return torch.minimum(drawn.squeeze(-1), likely)
