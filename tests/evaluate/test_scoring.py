"""Every token counts once, in a window of its own place, whatever else is in the batch."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from octavo.config import ModelConfig
from octavo.evaluate.scoring import Scorer, sliding_windows
from octavo.model import Transformer

VOCAB = 19
START = 0
Ids = npt.NDArray[np.integer]


def model(seed: int = 1) -> Transformer:
    return Transformer(ModelConfig(n_layers=2, d_model=16, n_heads=2, d_ff=24, dropout=0.0), VOCAB, seed)


def documents(*lengths: int) -> list[Ids]:
    random = np.random.Generator(np.random.PCG64(5))
    return [random.integers(1, VOCAB, length).astype(np.uint16) for length in lengths]


@given(
    predictions=st.integers(0, 300),
    context=st.integers(1, 60),
    data=st.data(),
)
def test_sliding_windows_count_every_prediction_once(predictions: int, context: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, context))
    windows = sliding_windows(3, predictions, context, stride)
    counted = [i for w in windows for i in range(w.scored, w.end)]
    assert counted == list(range(predictions))
    for i, w in enumerate(windows):
        assert w.document == 3
        assert w.begin == i * stride
        assert w.begin <= w.scored < w.end <= w.begin + context
        assert i == 0 or w.scored - w.begin >= context - stride  # what is known before the first that counts


def slowly(model: Transformer, ids: list[int], context: int, stride: int, start: int | None) -> list[float]:
    """The same from the definition: one forward pass for each token, which nothing is batched with."""
    nats = []
    first = 0 if start is not None else 1
    if first:
        nats.append(math.log(VOCAB))  # nothing comes before it, so chance
    for place in range(first, len(ids)):
        prediction = place - first
        window = 0 if prediction < context else -(-(prediction - context + 1) // stride)
        known = ids[window * stride : place]
        logits = model(torch.tensor([known if start is None else [start, *known]]))[0, -1]
        nats.append(-float(logits.log_softmax(-1)[ids[place]]))
    return nats


@pytest.mark.parametrize("start", [START, None])
@pytest.mark.parametrize(("context", "stride"), [(8, 1), (8, 4), (8, 8), (7, 3), (64, 32), (2, 1)])
def test_it_equals_a_slow_computation_token_by_token(start: int | None, context: int, stride: int) -> None:
    texts = documents(1, 2, 7, 8, 9, 30)
    fast = Scorer(model(), start, context, stride, 5).token_losses(texts)
    for ids, nats in zip(texts, fast, strict=True):
        with torch.no_grad():
            expected = slowly(model(), ids.tolist(), context, stride, start)
        assert nats == pytest.approx(expected, abs=2e-5)


def test_the_figure_does_not_depend_on_the_batch_size() -> None:
    texts = documents(3, 100, 41)
    totals = [
        sum(n.sum() for n in Scorer(model(), 0, 16, 8, size).token_losses(texts)) for size in (1, 2, 7, 64, 1000)
    ]
    assert totals == pytest.approx([totals[0]] * 5, rel=1e-6)


@pytest.mark.parametrize("start", [START, None])
def test_a_uniform_model_scores_the_logarithm_of_the_vocabulary(start: int | None) -> None:
    uniform = model()
    for parameter in uniform.parameters():
        torch.nn.init.zeros_(parameter)
    losses = Scorer(uniform, start, 16, 8).token_losses(documents(1, 50, 16))
    assert [len(nats) for nats in losses] == [1, 50, 16]
    assert np.concatenate(losses) == pytest.approx(math.log(VOCAB), abs=1e-6)


def test_documents_do_not_see_each_other() -> None:
    first, second = documents(20, 33)
    together = Scorer(model(), 0, 16, 8).token_losses([first, second])
    alone = Scorer(model(), 0, 16, 8).token_losses([second])
    assert together[1] == pytest.approx(alone[0], abs=1e-6)


@pytest.mark.parametrize("start", [START, None])
def test_batches_say_which_tokens_their_places_are(start: int | None) -> None:
    texts = documents(1, 9, 30)
    seen = [np.zeros(len(ids), int) for ids in texts]
    for batch in Scorer(model(), start, 8, 4, 3).batches(texts):
        for row, window in enumerate(batch.windows):
            tokens = window.scored_tokens
            seen[window.document][tokens] += 1
            assert batch.targets[row, window.scored_positions].tolist() == texts[window.document][tokens].tolist()
    unpredicted = int(start is None)
    assert all((counts[unpredicted:] == 1).all() and not counts[:unpredicted].any() for counts in seen)


def test_a_tap_changes_the_model_that_is_scored() -> None:
    def same(site: str, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def silent(site: str, tensor: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(tensor) if site == "logits" else tensor

    plain, looked_at, silenced = (
        Scorer(model(), START, 16, 8).token_losses(documents(33), tap=tap)[0] for tap in (None, same, silent)
    )
    assert looked_at == pytest.approx(plain, abs=1e-6)
    assert silenced == pytest.approx(math.log(VOCAB), abs=1e-6)
