"""Recording shows what flows by the sites asked for, and nothing else."""

from collections.abc import Callable

import pytest
import torch

from octavo.config import ModelConfig
from octavo.interpret.recording import fits, record, sites_of, windows_at_once
from octavo.model import Transformer

MakeModel = Callable[..., Transformer]


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("blocks.*.output", "blocks.0.output", True),
        ("blocks.*.output", "blocks.0.attention.output", False),
        ("blocks.[01].output", "blocks.1.output", True),
        ("blocks.[01].output", "blocks.2.output", False),
        ("blocks.1.output", "blocks.11.output", False),
        ("*", "logits", True),
        ("*", "blocks.0.output", False),
    ],
)
def test_a_pattern_stands_for_names_part_by_part(pattern: str, name: str, expected: bool) -> None:
    assert fits(pattern, name) == expected


def test_what_is_recorded_is_what_was_asked_for(make_model: MakeModel) -> None:
    model = make_model(20)
    kept = record(model, torch.arange(6).view(1, -1), "blocks.*.output", "logits")
    assert list(kept) == ["blocks.0.output", "blocks.1.output", "logits"]
    with torch.no_grad():
        assert torch.allclose(kept["logits"], model(torch.arange(6).view(1, -1)), atol=1e-5)


def test_the_sites_of_a_model_are_in_the_order_of_the_pass(make_model: MakeModel) -> None:
    sites = sites_of(make_model(20))
    assert sites[0] == "embedding"
    assert sites[-2:] == ("final_norm", "logits")
    assert len(set(sites)) == len(sites) == 3 + 2 * 10


def test_windows_of_a_long_context_are_read_one_by_one() -> None:
    def at_once(context: int, vocab: int, heads: int = 2) -> int:
        config = ModelConfig(n_layers=1, d_model=16, n_heads=heads, d_ff=16, max_positions=8)
        return windows_at_once(Transformer(config, vocab), context)

    assert [at_once(context, 300) for context in (8, 128, 1024, 4096)] == [16, 16, 8, 1]
    assert at_once(128, 2**14) == 8
