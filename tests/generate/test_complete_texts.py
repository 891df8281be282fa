"""Many texts, each as soon as it is whole."""

from collections.abc import Iterator
from typing import Any

import pytest

from octavo.config.inference import SamplingConfig
from octavo.generate.decoding import sample_token
from octavo.generate.generate import decoder_of
from octavo.generate.healing import Healer
from octavo.generate.streams import Chunk, ContextWindow, Request
from octavo.generate.text import complete_texts
from octavo.pipeline.run import Run

PROMPTS = ["KING", "To be", "x"]


def test_a_text_comes_before_the_next_group_is_begun(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.generate.streams._MAX_BYTES", 1)  # a stream at a time
    chunks: list[Chunk] = []
    decoder = decoder_of(trained.model)

    def noted(request: Request) -> Iterator[Chunk]:
        for chunk in decoder.decode(request):
            chunks.append(chunk)
            yield chunk

    sampling = SamplingConfig(max_new_tokens=30, seed=2)
    texts = complete_texts(
        decoder._replace(decode=noted), trained.tokenizer, PROMPTS, context_length=32, sampling=sampling
    )
    found = []
    for number, text in enumerate(texts):
        found.append(text)
        assert not any(chunk[later] for chunk in chunks for later in range(number + 1, len(PROMPTS)))
    rows = trained.generate_many(PROMPTS, max_new_tokens=30, seed=2)
    assert found == ["".join(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("most", [1, 2**27])
def test_stops_end_each_on_its_own(trained: Run, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr("octavo.generate.streams._MAX_BYTES", most)
    options: dict[str, Any] = {"context_length": 32, "sampling": SamplingConfig(max_new_tokens=60, seed=2)}
    found = list(complete_texts(decoder_of(trained.model), trained.tokenizer, PROMPTS, stop=["e"], **options))
    rows = trained.generate_many(PROMPTS, max_new_tokens=60, seed=2, stop="e")
    assert found == ["".join(column) for column in zip(*rows, strict=True)]
    assert not any("e" in text for text in found)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("most", [1, 2**27])
def test_texts_that_the_healed_token_ends_are_there(
    trained: Run, monkeypatch: pytest.MonkeyPatch, count: int, most: int
) -> None:
    """With one new token, which the prompt has the beginning of, nothing is left to decode."""
    monkeypatch.setattr("octavo.generate.streams._MAX_BYTES", most)
    sampling, decoder = SamplingConfig(max_new_tokens=1, temperature=2.0), decoder_of(trained.model)
    prompts = ["MENENIU"] * count
    window = ContextWindow(32, 0)
    healer = Healer(trained.tokenizer.token_bytes(), lambda contexts: decoder.predict(contexts, window), sample_token)
    ids = trained.tokenizer.encode(prompts[0]).tolist()
    assert any(healer.heal(ids, sampling, stream)[1] for stream in range(count)), "one is healed"
    found = list(complete_texts(decoder, trained.tokenizer, prompts, context_length=32, sampling=sampling))
    rows = list(trained.generate_many(prompts, max_new_tokens=1, temperature=2.0))
    assert found == ["".join(column) for column in zip(*rows, strict=True)]
    assert len(found) == count
    stopped = [text[:1] for text in found if text]
    assert stopped
    assert list(trained.generate_many(prompts, max_new_tokens=1, temperature=2.0, stop=stopped[0]))
