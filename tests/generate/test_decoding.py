"""Tokens from prompts: with the cache as without it, side by side as alone."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from octavo.config import ModelConfig
from octavo.config.inference import SamplingConfig
from octavo.generate.decoding import decode
from octavo.generate.streams import ContextWindow, Request, window_start
from octavo.model import Transformer

VOCAB, START, CONTEXT = 23, 0, 12
GREEDY = SamplingConfig(temperature=0.0)
DRAWN = SamplingConfig(temperature=1.0)
PROMPTS = [[5, 3], [9, 9, 1, 4, 7], [2], [8] * 11, list(range(1, 21)), [3, 1] * 20]


def model(position: Any = "rotary") -> Transformer:
    sizes: dict[str, Any] = {"n_layers": 2, "d_model": 16, "n_heads": 2, "d_ff": 24, "max_positions": CONTEXT}
    return Transformer(ModelConfig(**sizes, position=position, dropout=0.0), VOCAB, seed=4)


def tokens(
    prompts: list[list[int]], count: int, sampling: SamplingConfig, *, start: int | None = START, first_seed: int = 0
) -> list[list[int]]:
    """The first `count` new tokens of every stream."""
    seeds = [(7, first_seed + i) for i in range(len(prompts))]
    window = ContextWindow(CONTEXT, start)
    chunks = decode(model(), Request(prompts, window, replace(sampling, max_new_tokens=count), seeds))
    return [[token for tokens in column for token in tokens] for column in zip(*chunks, strict=True)]


@pytest.mark.parametrize("start", [START, None])
def test_within_the_first_context_it_equals_a_loop_without_a_cache(start: int | None) -> None:
    for prompt in PROMPTS[:3]:
        ids = ([] if start is None else [start]) + prompt
        expected = []
        while len(ids) <= CONTEXT:  # the last new token is predicted from a full context
            with torch.no_grad():
                ids.append(int(model()(torch.tensor([ids]))[0, -1].argmax()))
            expected.append(ids[-1])
        assert tokens([prompt], len(expected), GREEDY, start=start) == [expected]


@pytest.mark.parametrize("start", [START, None])
def test_past_it_every_token_comes_from_a_window_of_the_last_ones(start: int | None) -> None:
    room = CONTEXT - (start is not None)
    for prompt in PROMPTS:
        ids, expected = list(prompt), []
        for _ in range(3 * CONTEXT):
            window = ids[window_start(len(ids), room) :]
            assert len(window) <= room
            with torch.no_grad():
                logits = model()(torch.tensor([window if start is None else [start, *window]]))
            expected.append(int(logits[0, -1].argmax()))
            ids.append(expected[-1])
        assert tokens([prompt], 3 * CONTEXT, GREEDY, start=start) == [expected]


def test_the_window_never_outgrows_the_context_and_keeps_about_half_of_it() -> None:
    for room in (1, 2, 3, 11, 12, 128):
        for place in range(600):
            begin = window_start(place, room)
            assert 0 <= begin <= place
            assert place - begin <= room
            assert begin == 0 if place <= room else place - begin >= room // 2
            assert begin >= window_start(place - 1, room) if place else True
        begins = {window_start(place, room) for place in range(600)}
        assert len(begins) <= 2 + 600 / max(1, room // 2), "the window is read anew now and then, not at each token"


@pytest.mark.parametrize("sampling", [GREEDY, DRAWN])
def test_prompts_of_different_lengths_side_by_side_are_as_each_alone(sampling: SamplingConfig) -> None:
    together = tokens(PROMPTS, 30, sampling)
    for index, prompt in enumerate(PROMPTS):
        assert tokens([prompt], 30, sampling, first_seed=index) == [together[index]]


def test_a_stream_does_not_depend_on_how_many_others_there_are() -> None:
    five = tokens([[4, 2]] * 5, 20, DRAWN)
    assert tokens([[4, 2]] * 2, 20, DRAWN) == five[:2]
    assert len({tuple(stream) for stream in five}) == 5


@pytest.mark.parametrize("position", ["sinusoidal", "learned", "none"])
def test_tables_of_positions_are_never_left(position: str) -> None:
    sampling = replace(GREEDY, max_new_tokens=60)
    request = Request([[1] * 30, [2]], ContextWindow(CONTEXT, START), sampling, seeds=[(0, 0), (0, 1)])
    chunks = decode(model(position), request)
    assert [sum(map(len, column)) for column in zip(*chunks, strict=True)] == [60, 60]


@pytest.mark.parametrize("context", [2, 3])
def test_the_shortest_contexts_work(context: int) -> None:
    sampling = replace(GREEDY, max_new_tokens=9)
    chunks = decode(model(), Request([[1, 2, 3]], ContextWindow(context, START), sampling, seeds=[(0, 0)]))
    assert sum(len(tokens) for (tokens,) in chunks) == 9


def test_the_first_token_comes_alone_and_what_has_ended_holds_up_nothing() -> None:
    ended = {1}
    sampling, seeds = replace(GREEDY, max_new_tokens=50), [(0, 0), (0, 1)]
    request = Request([[3, 1], [4, 1]], ContextWindow(CONTEXT, START), sampling, seeds, ended.__contains__)
    chunks = decode(model(), request)
    assert len(next(chunks)[0]) == 1
    next(chunks)
    ended.add(0)
    assert list(chunks) == []
