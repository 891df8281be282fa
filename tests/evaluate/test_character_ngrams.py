"""A Kneser-Ney model over characters: an honest code for any text, as good as known for a good one."""

import math
import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.evaluate import kneser_ney as character_ngrams
from octavo.evaluate.kneser_ney import CharacterNgrams, KneserNey, code_points

UNICODE = 1_112_064  # characters that there could be


def nats(model: CharacterNgrams, *texts: str) -> npt.NDArray[np.float64]:
    return np.concatenate([np.empty(0), *model.nats(texts)])


def test_on_tiny_shakespeare_it_is_better_than_plain_kneser_ney(shakespeare: str) -> None:
    """Plain Kneser-Ney has 1.558 with the best order, chosen on the held-out part itself."""
    border = int(0.9 * len(shakespeare))
    began = time.process_time()
    model = CharacterNgrams.fit([shakespeare[:border]])
    score = nats(model, shakespeare[border:]).mean()
    assert time.process_time() - began < 6
    assert model.model.order == 7
    assert score == pytest.approx(1.5165, abs=1e-4)
    documents = [np.searchsorted(model.alphabet, code_points(shakespeare[:border]))]
    scored = [np.searchsorted(model.alphabet, code_points(shakespeare[border:]))]
    four = KneserNey.fit(documents, len(model.alphabet) + 1, 4)
    assert np.concatenate(list(four.nats(scored))).mean() == pytest.approx(1.719, abs=1e-3)


@given(st.lists(st.text(alphabet="ab\n😀", max_size=40), max_size=3), st.text(alphabet="ab\n😀", max_size=5))
@settings(max_examples=60, deadline=None)
def test_probabilities_of_all_characters_there_are_sum_to_one(texts: list[str], context: str) -> None:
    model = CharacterNgrams.fit(texts)
    seen = sorted(set("".join(texts)))
    known = [math.exp(-nats(model, context + c)[-1]) for c in seen]
    other = math.exp(-nats(model, context + "é")[-1])
    assert other == pytest.approx(math.exp(-nats(model, context + "日")[-1])), "nothing tells the unseen apart"
    assert sum(known) + other * (UNICODE - len(seen)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("texts", [[], ["a"], ["aaaaaaaaaa"], ["0123456789"], ["a" * 5_000], ["ab"] * 300])
def test_odd_texts_to_learn_from(texts: list[str]) -> None:
    model = CharacterNgrams.fit(texts)
    costs = nats(model, "".join(texts[:5]) + "é")
    assert np.isfinite(costs).all()
    assert (costs > 0).all()
    assert costs[-1] > math.log(UNICODE - 11), "any of a million"


def test_what_repeats_is_cheap() -> None:
    assert nats(CharacterNgrams.fit(["a" * 5_000]), "a" * 100).mean() < 0.01
    assert nats(CharacterNgrams.fit(["abcd" * 900]), "abcd" * 20).mean() < 0.02


def test_the_order_is_chosen_at_the_end_of_what_it_learns_from(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[list[int]], list[list[int]]]] = []

    def best_order(learned: list[list[int]], held_out: list[list[int]], *options: object) -> tuple[int, list[float]]:
        seen.append((learned, held_out))
        return 2, []

    monkeypatch.setattr(character_ngrams, "best_order", best_order)
    model = CharacterNgrams.fit(["a" * 30, "b" * 65, "c" * 5])
    ((learned, held_out),) = seen
    assert [list(d) for d in learned] == [[0] * 30, [1] * 60]
    assert [list(d) for d in held_out] == [[1] * 5, [2] * 5]
    assert model.model.order == 2


def test_code_points() -> None:
    assert code_points("aé😀\x00").tolist() == [97, 233, 0x1F600, 0]
