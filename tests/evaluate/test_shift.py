"""Held-out text of another kind than the training text is told from text of the same kind."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from octavo.config.overrides import Request
from octavo.corpus import Corpus
from octavo.data.prepare import prepare
from octavo.data.token_files import open_splits, save_splits
from octavo.evaluate.diagnosis.case import Case
from octavo.evaluate.diagnosis.rules import shift_finding
from octavo.evaluate.shift import Shift, measure_shift

Measure = Callable[[str], Shift | None]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    config = Request(overrides={"tokenizer.vocab_size": 300}).applied_to(None)

    def measured(text: str) -> Shift | None:
        tokenizer, prepared = prepare(Corpus.from_text(text), config.data, config.tokenizer)
        save_splits(tmp_path, prepared)
        parts = open_splits(tmp_path)
        return measure_shift(parts["train"], parts["validation"], tokenizer)

    return measured


def told(found: Shift | None) -> bool:
    return shift_finding(Case(Request().applied_to(None), (), 1.0, shift=found)) is not None


def words(count: int = 4000) -> list[str]:
    """Made of syllables."""
    rng = Random(0)
    syllables = [consonant + vowel for consonant in "bcdfghjklmnprstvw" for vowel in "aeiou"]
    return ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(count)]


def test_a_sorted_list_is_told_from_a_shuffled_one(measure: Measure) -> None:
    by_order, shuffled = measure("\n".join(sorted(words()))), measure("\n".join(words()))
    assert by_order is not None
    assert shuffled is not None
    assert by_order.excess > 0.2
    assert abs(shuffled.excess) < 0.05
    assert (told(by_order), told(shuffled)) == (True, False)


def test_plays_are_alike_and_capitals_are_not(measure: Measure, play: str) -> None:
    alike, capitals = measure(play), measure(play[:36_000] + play[36_000:].upper())
    assert alike is not None
    assert capitals is not None
    assert -0.05 < alike.excess < 0.1
    assert capitals.excess > 1
    assert (told(alike), told(capitals)) == (False, True)


def test_a_text_that_repeats_itself_costs_nothing_and_is_alike(measure: Measure) -> None:
    found = measure("a b c " * 5_000)
    assert found is not None
    assert not told(found)


def test_text_that_is_too_short_says_nothing(measure: Measure, play: str) -> None:
    assert measure(play[:1000]) is None
    assert not told(None)


def test_what_may_be_chance_is_not_told() -> None:
    assert told(Shift(2.0, 2.4, 0.1))
    assert not told(Shift(2.0, 2.4, 0.2))
    assert not told(Shift(2.0, 2.2, 0.0)), "nor what every text has"
    assert not told(Shift(0.0, 0.0, 0.0))


def test_a_long_text_is_read_in_part(measure: Measure, play: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measure(play)
    monkeypatch.setattr("octavo.evaluate.shift._MAX_BLOCKS", 12)
    part = measure(play)
    assert whole is not None
    assert part is not None
    assert whole != part
    assert part.excess == pytest.approx(whole.excess, abs=0.15)
