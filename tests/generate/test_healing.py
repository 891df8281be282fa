"""A prompt that ends inside a token: the distribution of what is drawn first, and the text that comes of it."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.bench.kernels import without_kernels
from octavo.config.inference import SamplingConfig
from octavo.generate import decoding
from octavo.generate.decoding import logits_to_probs, predict, sample_token
from octavo.generate.healing import Healer, HealingCandidate
from octavo.generate.streams import Chunk, ContextWindow, Decoder, Request
from octavo.generate.text import continue_prompts
from octavo.pipeline.run import Run
from octavo.tokenizer import Tokenizer

TABLE = [b"", b" ", b"a", b"b", b"ab", b" a", b" ab", b"ba", b" b", b"aba", "é".encode(), b"\xc3", b"a\xc3"]


def logits_after(context: Sequence[int]) -> np.ndarray:
    """Logits of a model that depends on all of the context, the number of its tokens included."""
    return np.random.default_rng([len(context), *context]).normal(size=len(TABLE)).astype(np.float32)


def rows(contexts: Sequence[Sequence[int]]) -> np.ndarray:
    return np.stack([logits_after(context) for context in contexts])


def chance(tokens: Sequence[int]) -> float:
    """The probability of a sequence of tokens."""
    found = 1.0
    for place, token in enumerate(tokens):
        odds = np.exp(logits_after(tokens[:place]).astype(np.float64))
        found *= odds[token] / odds.sum()
    return found


def written(prompt: Sequence[int], way: HealingCandidate) -> tuple[int, ...]:
    return (*prompt[: way.n_kept], *way.replacement)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(prompt=st.lists(st.integers(1, len(TABLE) - 1), min_size=1, max_size=5))
def test_each_way_to_write_on_has_its_share_of_the_probability(prompt: list[int]) -> None:
    text = b"".join(TABLE[token] for token in prompt)
    expected = {tuple(prompt): chance(prompt)}
    for kept in range(len(prompt)):
        for token in range(len(TABLE)):
            way = [*prompt[:kept], token]
            longer = b"".join(TABLE[t] for t in way)
            if longer.startswith(text) and len(longer) > len(text):
                expected[tuple(way)] = chance(way)
    total = sum(expected.values())
    candidates = Healer(TABLE, rows, sample_token).candidates(prompt)
    weights = np.exp([way.log_probability for way in candidates])
    found = {written(prompt, way): weight for way, weight in zip(candidates, weights / weights.sum(), strict=True)}
    assert found == pytest.approx({way: weight / total for way, weight in expected.items()}, rel=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.5},
        {"top_k": 2},
        {"top_p": 0.6},
        {"min_p": 0.4},
        {"temperature": 2.0, "top_k": 3, "top_p": 0.7},
    ],
)
def test_after_a_space_filters_apply_to_the_tokens_that_begin_with_it(options: dict[str, Any]) -> None:
    sampling = SamplingConfig(**{"temperature": 1.0, **options})
    prompt = [2, 3, 1]
    allowed = [token for token, content in enumerate(TABLE) if content.startswith(b" ")]
    masked = np.full(len(TABLE), -np.inf, dtype=np.float32)
    masked[allowed] = logits_after(prompt[:-1])[allowed]
    expected = logits_to_probs(torch.from_numpy(masked)[None], sampling)[0]
    healer = Healer(TABLE, rows, sample_token)
    candidates = healer.candidates(prompt)
    assert sorted(written(prompt, way)[-1] for way in candidates) == allowed
    found = logits_to_probs(torch.tensor([[way.log_probability for way in candidates]]), sampling)[0]
    for way, p in zip(candidates, found.tolist(), strict=True):
        last = written(prompt, way)[-1]
        assert p == pytest.approx(float(expected[last]), abs=1e-6)
        assert way.suffix == TABLE[last][1:]
    drawn = Counter(healer.heal(prompt, sampling, stream)[0][-1] for stream in range(600))
    for token in allowed:
        assert drawn[token] / 600 == pytest.approx(float(expected[token]), abs=0.08)


def test_a_prompt_that_no_token_goes_beyond_stays_and_asks_the_model_nothing() -> None:
    def nobody(contexts: object) -> np.ndarray:
        raise AssertionError

    assert Healer(TABLE, nobody, sample_token).heal([2, 9], SamplingConfig(), 0) == ([2, 9], b"")
    assert Healer([b"", b"x"], nobody, sample_token).heal([1], SamplingConfig(), 0) == ([1], b"")


def test_logits_that_are_no_numbers_heal_nothing() -> None:
    def broken(contexts: Sequence[Sequence[int]]) -> np.ndarray:
        return np.full((len(contexts), len(TABLE)), np.nan, dtype=np.float32)

    assert Healer(TABLE, broken, sample_token).heal([1], SamplingConfig(), 0) == ([1], b"")


def test_of_a_long_run_no_more_than_sixteen_tokens_are_given_back() -> None:
    asked: list[int] = []

    def counted(contexts: Sequence[Sequence[int]]) -> np.ndarray:
        asked.append(len(contexts))
        return np.zeros((len(contexts), 3), dtype=np.float32)

    candidates = Healer([b"", b"!", b"!" * 100], counted, sample_token).candidates([1] * 60)
    assert asked == [16]
    assert len(candidates) == 17


class Always:
    """A model that is sure of one token, and then writes others."""

    def __init__(self, sure: int, then: Sequence[int], vocabulary: int) -> None:
        self.sure, self.then, self.vocabulary = sure, list(then), vocabulary
        self.prompts: list[list[int]] = []

    def predict(self, contexts: Sequence[Sequence[int]], window: ContextWindow) -> np.ndarray:
        logits = np.zeros((len(contexts), self.vocabulary), dtype=np.float32)
        logits[:, self.sure] = 100
        return logits

    def decode(self, request: Request) -> Iterator[Chunk]:
        self.prompts = [list(prompt) for prompt in request.prompts]
        for token in self.then:
            if all(request.ended(index) for index in range(len(self.prompts))):
                return
            yield [[token] for _ in self.prompts]

    def text(self, tokenizer: Tokenizer, prompt: str, most: int = 100, stop: Sequence[str] = ()) -> list[str]:
        found = continue_prompts(
            Decoder(self.decode, self.predict, sample_token),
            tokenizer,
            [prompt],
            context_length=32,
            sampling=SamplingConfig(max_new_tokens=most),
            stop=stop,
        )
        return [row[0] for row in found]


class TestText:
    """With the tokens of a real tokenizer."""

    def sure(self, run: Run, text: str, then: str = "") -> Always:
        (token,) = run.tokenizer.encode(text).tolist()
        return Always(token, run.tokenizer.encode(then).tolist(), run.tokenizer.vocab_size)

    def test_only_what_goes_beyond_the_prompt_is_shown(self, trained: Run) -> None:
        model = self.sure(trained, " the", "y")
        assert model.text(trained.tokenizer, "know ") == ["the", "y"]
        assert trained.tokenizer.decode(model.prompts[0]) == "know the"
        assert model.text(trained.tokenizer, "know t") == ["he", "y"]

    def test_the_token_that_goes_beyond_counts_as_new(self, trained: Run) -> None:
        model = self.sure(trained, " the", "yyy")
        assert model.text(trained.tokenizer, "know ", most=1) == ["the"]
        assert model.text(trained.tokenizer, "know ", most=2) == ["the", "y"]

    def test_a_stop_text_may_lie_in_it(self, trained: Run) -> None:
        model = self.sure(trained, " the", "yyy")
        assert "".join(model.text(trained.tokenizer, "know ", stop=["he"])) == "t"
        assert "".join(model.text(trained.tokenizer, "know ", stop=["hey"])) == "t"

    def test_the_end_of_a_line_may_belong_to_the_token_before(self, trained: Run) -> None:
        assert trained.tokenizer.encode(":\n").tolist() == trained.tokenizer.encode("ROMEO:\n").tolist()[-1:]
        assert self.sure(trained, ":\n", "A").text(trained.tokenizer, "ROMEO:") == ["\n", "A"]


def test_a_run_writes_on_from_a_space_as_its_model_says(trained: Run) -> None:
    prompt, count = "We are all ", 600
    sampling: dict[str, Any] = {"temperature": 1.0, "max_new_tokens": 1, "seed": 4}
    ids, table = trained.tokenizer.encode(prompt).tolist(), trained.tokenizer.token_bytes()
    assert table[ids[-1]] == b" "
    with torch.no_grad():
        logits = trained.model(torch.tensor([[0, *ids[:-1]]]))[0, -1].double()
    allowed = [token for token, content in enumerate(table) if content.startswith(b" ") and len(content) > 1]
    p = logits.softmax(-1)
    first = next(iter(trained.generate_many([prompt] * count, **sampling)))
    drawn = Counter(first)
    expected = {table[token][1:].decode(): float(p[token]) for token in allowed}
    total = sum(expected.values()) + float(p[ids[-1]])
    for text in sorted(expected, key=expected.__getitem__)[-5:]:
        share = expected[text] / total
        assert drawn[text] / count == pytest.approx(share, abs=4 * math.sqrt(share / count))


@pytest.mark.parametrize("prompt", ["We are ", "First Citizen:", "r", " ", "\n", "we are accounted poor, " * 20])
def test_the_kernels_and_pytorch_heal_alike(trained: Run, prompt: str) -> None:
    options: dict[str, Any] = {"temperature": 0.9, "top_p": 0.95, "seed": 2, "max_new_tokens": 12}
    with without_kernels():
        expected = trained.generate(prompt, **options)
    assert trained.generate(prompt, **options) == expected
    contexts = [[5, 6], [], [7] * 50]
    window = ContextWindow(trained.config.data.context_length, 0)
    found = predict(trained.model, contexts, window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "packed_weights", lambda *_, **__: None)
        assert found == pytest.approx(predict(trained.model, contexts, window), abs=1e-4)


def test_a_healed_text_does_not_depend_on_the_prompts_after_it(trained: Run) -> None:
    def texts(prompts: list[str]) -> list[str]:
        columns = zip(*trained.generate_many(prompts, seed=3, max_new_tokens=20), strict=True)
        return ["".join(column) for column in columns]

    prompts = ["We are ", "", "KING", "We are ", "ROM"]
    assert texts(prompts)[:2] == texts(prompts[:2])
    assert texts(prompts)[0] != texts(prompts)[3]
    assert texts(prompts) == texts(prompts)
