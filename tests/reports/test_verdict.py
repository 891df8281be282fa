"""The verdict on a run in words."""

import re
from dataclasses import replace

import pytest

from octavo.evaluate import Baseline
from octavo.evaluate.baselines import Kind
from octavo.pipeline.run import Run
from octavo.reports.collect import read_score
from octavo.reports.score_table import Score
from octavo.reports.verdict import verdict


def baseline(name: str, kind: Kind, bits: float) -> Baseline:
    return Baseline(name, kind, bits * 0.693, bits, None, 1.0, "")


def score(trained: Run, bits: float, *baselines: Baseline, lossless: bool = True) -> Score:
    found = read_score(trained)
    evaluation = replace(
        found.evaluation,
        bits_per_character=bits,
        lossless_tokenizer=lossless,
    )
    return replace(found, evaluation=evaluation, baselines=baselines)


NGRAMS = baseline("Kneser-Ney", "kneser-ney", 2.4)
BIGRAM = baseline("bigram of tokens", "bigram", 3.1)
XZ, ZSTD = baseline("xz", "compressor", 2.2), baseline("zstd", "compressor", 2.5)


@pytest.mark.parametrize(
    ("bits", "first", "second"),
    [
        (2.0, "fewer than every simpler model", "better, too, than compression programs"),
        (
            2.3,
            "fewer than every simpler model",
            r"worse than the best of the compression .* xz .* better than 1 of 2",
        ),
        (2.204, "fewer than every simpler model", "differs little from the best of the compression programs"),
        (2.404, "about as many as the best simpler model", "worse than the best of the compression"),
        (2.9, "more than the best simpler model", "worse than the best of the compression programs"),
    ],
)
def test_it_compares_with_those_that_learn_while_they_read_and_those_that_do_not(
    trained: Run, bits: float, first: str, second: str
) -> None:
    words = verdict(score(trained, bits, NGRAMS, BIGRAM, XZ, ZSTD))
    one, two = re.split(r"(?<=[)a-z])\. ", words)
    assert f"{bits:.3f} bits" in one
    assert "the best is Kneser-Ney with 2.400" in one
    assert first in one
    assert re.search(second, two)
    assert "the best is xz with 2.200" in two


def test_a_lossy_tokenizer_is_compared_with_models_of_its_own_tokens_alone(trained: Run) -> None:
    words = verdict(score(trained, 2.9, NGRAMS, BIGRAM, XZ, lossless=False))
    assert "fewer than every simpler model" in words
    assert "bigram of tokens with 3.100" in words
    assert "xz" not in words
    assert "Kneser" not in words


def test_without_baselines_it_says_so(trained: Run) -> None:
    assert "has not been compared with simpler models" in verdict(score(trained, 2.0))
    assert "not been compared with compression programs" in verdict(score(trained, 2.0, NGRAMS))
