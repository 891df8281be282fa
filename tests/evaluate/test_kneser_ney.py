"""Kneser-Ney with three discounts: by hand, against a slow one from the textbook, and summing to one."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.evaluate import kneser_ney
from octavo.evaluate.kneser_ney import KneserNey, best_order

Documents = list[list[int]]
DOCUMENTS = st.lists(st.lists(st.integers(0, 3), max_size=25), max_size=4)
A, B, C = 0, 1, 2


def arrays(documents: Sequence[Sequence[int]]) -> list[npt.NDArray[np.integer]]:
    return [np.array(document, np.uint16) for document in documents]


def distribution(model: KneserNey, context: Sequence[int]) -> npt.NDArray[np.float64]:
    """Of the symbol after `context`, which begins a document."""
    continued = arrays([[*context, symbol] for symbol in range(model.alphabet)])
    nats = np.concatenate(list(model.nats(continued)))
    probabilities: npt.NDArray[np.float64] = np.exp(-nats[len(context) :: len(context) + 1])
    return probabilities


def test_a_bigram_model_by_hand() -> None:
    """The document aab. With so few n-grams the discounts are 1/2, 1 and 3/2.

    One symbol: a stands after the beginning and after a, b after a alone: 2 and 1 of 3. They lose 1 and 1/2, so half
    of all is shared out: a 1/3 + 1/6, b 1/6 + 1/6, c 1/6. Two symbols: after the beginning a, and after a both a and
    b were seen once; each loses 1/2.
    """
    model = KneserNey.fit(arrays([[A, A, B]]), 3, 2)
    one = np.array([1 / 2, 1 / 3, 1 / 6])
    assert distribution(model, []) == pytest.approx([1 / 2 + 1 / 4, 1 / 6, 1 / 12])
    assert distribution(model, [A]) == pytest.approx(np.array([1 / 4, 1 / 4, 0]) + one / 2)
    assert distribution(model, [A, A]) == pytest.approx(np.array([1 / 4, 1 / 4, 0]) + one / 2)
    assert distribution(model, [B]) == pytest.approx(one), "nothing was seen after b"
    assert distribution(model, [C]) == pytest.approx(one), "c was never seen"
    (nats,) = model.nats(arrays([[A, A, B]]))
    assert nats == pytest.approx(-np.log([3 / 4, 1 / 2, 5 / 12]))


def test_discounts_by_hand() -> None:
    """8, 4, 3 and 1 n-grams that occur once, twice …: Y = 8 / 16."""
    counts = np.array([1] * 8 + [2] * 4 + [3] * 3 + [4])
    known = [0, 1 - 2 * 0.5 * 4 / 8, 2 - 3 * 0.5 * 3 / 4, 3 - 4 * 0.5 * 1 / 3]
    assert kneser_ney._discounts(counts) == pytest.approx(known)


@pytest.mark.parametrize("counts", [[1], [2, 2], [1, 2], [1, 1, 2, 3, 3, 3, 3], [9] * 5, []])
def test_discounts_that_cannot_be_estimated_are_the_usual_ones(counts: list[int]) -> None:
    assert kneser_ney._discounts(np.array(counts, np.int64)).tolist() == [0, 0.5, 1, 1.5]


@given(DOCUMENTS, st.lists(st.integers(0, 4), max_size=6), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_every_distribution_sums_to_one(documents: Documents, context: list[int], order: int) -> None:
    model = KneserNey.fit(arrays(documents), 5, order)  # symbol 4 never occurs
    probabilities = distribution(model, context)
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert (probabilities > 0).all()


@given(DOCUMENTS, st.lists(st.lists(st.integers(0, 4), max_size=12), max_size=3), st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_it_is_what_the_textbook_says(documents: Documents, scored: Documents, order: int) -> None:
    found = np.concatenate([np.empty(0), *KneserNey.fit(arrays(documents), 5, order).nats(arrays(scored))])
    assert found == pytest.approx(slow_nats(documents, scored, 5, order), rel=1e-9)


def slow_nats(documents: Documents, scored: Documents, alphabet: int, order: int) -> list[float]:
    """Chen & Goodman's formula, written down with dictionaries."""
    beginning = (-1,) * (order - 1)
    grams = Counter(
        tuple(padded[i - order + 1 : i + 1])
        for document in documents
        for padded in [[*beginning, *document]]
        for i in range(order - 1, len(padded))
    )
    counts = {order: dict(grams)}
    for length in range(order - 1, 0, -1):
        counts[length] = dict(Counter(gram[1:] for gram in counts[length + 1]))
    by_context: dict[int, dict[tuple[int, ...], dict[int, int]]] = {n: defaultdict(dict) for n in counts}
    for length, found in counts.items():
        for gram, count in found.items():
            by_context[length][gram[:-1]][gram[-1]] = count
    discounts = {n: kneser_ney._discounts(np.array(list(found.values()), np.int64)) for n, found in counts.items()}

    def probability(symbol: int, context: tuple[int, ...]) -> float:
        length = len(context) + 1
        shorter = probability(symbol, context[1:]) if context else 1 / alphabet
        seen = by_context[length].get(context)
        if not seen:
            return shorter
        taken = {s: discounts[length][min(count, 3)] for s, count in seen.items()}
        own = seen[symbol] - taken[symbol] if symbol in seen else 0.0
        return float(own + sum(taken.values()) * shorter) / sum(seen.values())

    return [
        -math.log(probability(document[i], (*beginning, *document[:i])[len(beginning) + i - order + 1 :]))
        for document in scored
        for i in range(len(document))
    ]


def test_documents_know_nothing_of_each_other() -> None:
    model = KneserNey.fit(arrays([[A, B, A, B, C], [C, A, B]]), 3, 3)
    apart = np.concatenate([nats for d in ([A, B], [C, A]) for nats in model.nats(arrays([d]))])
    (together,) = model.nats(arrays([[A, B], [], [C, A]]))
    assert together == pytest.approx(apart)
    (joined,) = model.nats(arrays([[A, B, C, A]]))
    assert joined[3] != pytest.approx(together[3]), "there c a begins no document"


def test_a_long_text_is_scored_in_blocks_that_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.Generator(np.random.PCG64(1))
    learned = [random.integers(0, 4, 500), random.integers(0, 4, 60)]
    scored = [random.integers(0, 4, 40), random.integers(0, 4, 3), random.integers(0, 4, 90)]
    model = KneserNey.fit(learned, 4, 4)
    (at_once,) = model.nats(scored)
    monkeypatch.setattr(kneser_ney, "_BLOCK", 7)
    blocks = list(model.nats(scored))
    assert [len(block) for block in blocks] == [7] * 19
    assert np.concatenate(blocks) == pytest.approx(at_once)


def test_a_model_of_nothing_takes_all_symbols_for_as_likely() -> None:
    model = KneserNey.fit([], 8, 3)
    assert model.order == 0
    assert distribution(model, [1, 2]) == pytest.approx(np.full(8, 1 / 8))
    assert list(model.nats([])) == []


def test_the_order_is_the_one_that_predicts_best() -> None:
    """Each symbol is a function of the two before it, so n-grams of three symbols say all there is to say."""
    random = np.random.Generator(np.random.PCG64(2))
    rule, text = random.integers(0, 9, (9, 9)), [1, 2]
    for draw in random.random(6_000):
        text.append(int(rule[text[-2], text[-1]]) if draw < 0.8 else int(draw * 1e6) % 9)
    told: list[int] = []
    order, tried = best_order(arrays([text[:5_000]]), arrays([text[5_000:]]), 9, 8, told.append)
    assert order == 3
    assert told == [1, 2, 3, 4]
    assert min(tried) == tried[2]
    for n, nats in enumerate(tried, 1):
        alone = KneserNey.fit(arrays([text[:5_000]]), 9, n)
        assert alone.order == n
        assert np.concatenate(list(alone.nats(arrays([text[5_000:]])))).mean() == pytest.approx(nats)
