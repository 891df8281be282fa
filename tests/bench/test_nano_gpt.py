"""nanoGPT: where it is, its step does Octavo's work; where it is not, or is another model, a line says so."""

from pathlib import Path

import pytest

from octavo.bench.nano_gpt import RECIPE, VOCAB_SIZE, load_gpt, nano_gpt_step, nano_gpt_steps
from octavo.model import Transformer

ANOTHER = """
import torch
class GPTConfig:
    def __init__(self, **settings): pass
class GPT(torch.nn.Linear):
    def __init__(self, config): super().__init__(2, 2)
"""


def test_the_recipe_is_of_the_size_that_nanogpt_tells() -> None:
    """It counts 0.80 million, without its 64 rows of positions."""
    parameters = Transformer(RECIPE.model, VOCAB_SIZE).n_parameters()
    assert parameters - 64 * 128 == 795_904


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "there is no model.py in"),
        ("import no_such_module", "its model.py cannot be used: ModuleNotFoundError"),
        (ANOTHER, "its model has 6 parameters, and the recipe's 804,096: the work is not alike."),
    ],
)
def test_what_cannot_be_measured_is_a_line_that_says_why(text: str | None, why: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "model.py").write_text(text)
    found = nano_gpt_step(tmp_path, 1)
    assert not found.measured
    assert found.notes[0].startswith(f"nanoGPT was left out: {why}")


def test_the_real_one_learns_and_is_compared(peer_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = nano_gpt_steps(load_gpt(peer_folder / "nanoGPT"))
    assert 4.0 < next(steps) < 4.4  # chance is 4.17
    found = nano_gpt_step(peer_folder / "nanoGPT", 1, steps=1)
    assert found.measured[0].name == "nanoGPT"
    assert len(found.measured) > 1
    assert not capsys.readouterr().out
