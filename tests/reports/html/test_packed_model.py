"""A model in a page: its rounding, its size, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from octavo.config import Config, ModelConfig
from octavo.errors import OctavoError
from octavo.model import Transformer
from octavo.model.weights import named_weights
from octavo.pipeline.run import Run
from octavo.reports.html import make_page, packed_model
from octavo.reports.html.packed_model import Format, model_part, pack_model, pack_run, pack_weights, page_score
from octavo.tokenizer import Tokenizer
from octavo.tokenizer.kinds import ByteBPE


@pytest.fixture(scope="module")
def bpe(play: str) -> Tokenizer:
    return ByteBPE.train(play, 512)


def config(d_model: int = 128) -> Config:
    return replace(Config(), model=ModelConfig(d_model=d_model))


def test_the_page_of_the_default_model_is_below_two_megabytes(bpe: Tokenizer) -> None:
    packed = pack_model(Transformer(config().model, bpe.vocab_size), bpe, config())
    assert packed.format == "fp16"
    assert 1_200_000 < packed.n_bytes < 1_500_000
    size = len(make_page("Model", [model_part(packed)]).html.encode())
    assert 0 < size - packed.n_bytes < 100_000  # styles and scripts


def test_a_larger_model_becomes_int8_and_a_still_larger_one_is_left_out(bpe: Tokenizer) -> None:
    twice = config(d_model=256)
    packed = pack_model(Transformer(twice.model, bpe.vocab_size), bpe, twice)
    assert packed.format == "int8"
    assert packed.n_bytes < 2_000_000
    assert pack_model(Transformer(config().model, bpe.vocab_size), bpe, config(), 1_000_000).format == "int8"
    huge = config(d_model=1024)
    with pytest.raises(OctavoError, match=r"a page of 1\d\.\d MB, where 16 MB is the most"):
        pack_model(Transformer(huge.model, bpe.vocab_size), bpe, huge, 4_000_000)


def test_rounding_is_as_exact_as_its_format() -> None:
    weights = named_weights(Transformer(config().model, 300))
    limits: dict[Format, float] = {"fp16": 2**-11, "int8": 1 / 254}
    for kind, relative in limits.items():
        _, rounded = pack_weights(weights, kind)
        assert rounded.keys() == weights.keys()
        for name, weight in weights.items():
            largest = weight.abs().amax(-1, keepdim=True)
            limit = largest * relative * 1.001 if weight.ndim == 2 else torch.zeros(1)
            assert bool(((rounded[name] - weight).abs() <= limit).all()), name


def test_weights_that_are_not_finite_are_refused() -> None:
    for value in (torch.inf, torch.nan, 1e6):
        with pytest.raises(OctavoError, match="too large"):
            pack_weights({"a": torch.tensor([[1.0, value]])}, "fp16")
    with pytest.raises(OctavoError, match="too large"):
        pack_weights({"a": torch.tensor([[1.0, torch.nan]])}, "int8")
    _, rounded = pack_weights({"a": torch.tensor([[0.0, 0.0], [1e6, -1e6]])}, "int8")
    assert rounded["a"].numpy().tolist() == pytest.approx(np.array([[0.0, 0.0], [1e6, -1e6]]))


def test_the_means_for_ablation_count_as_part_of_the_page(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    size = pack_run(trained).n_bytes
    without = pack_model(trained.model, trained.tokenizer, trained.config).n_bytes
    monkeypatch.setitem(packed_model._MAX_PAGE_BYTES, "fp16", (size + without) // 2)
    assert pack_run(trained).format == "int8"


def test_the_copy_scores_almost_as_the_run(trained: Run) -> None:
    packed = pack_run(trained)
    score, own = page_score(trained, packed), trained.evaluate()
    assert score.tokens == own.tokens
    assert 0 < abs(score.bits_per_character - own.bits_per_character) < 0.001
