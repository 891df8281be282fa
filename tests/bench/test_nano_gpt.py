"""nanoGPT: its step does the same work as Octavo's; a missing or different model is a note."""

import re
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


def test_the_recipe_has_the_size_that_nanogpt_prints() -> None:
    """nanoGPT prints 0.80 million, which does not include its 64 position embeddings."""
    parameters = Transformer(RECIPE.model, VOCAB_SIZE).n_parameters()
    assert parameters - 64 * 128 == 795_904


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "no model.py in"),
        ("import no_such_module", "model.py .*ModuleNotFoundError"),
        (ANOTHER, "6 parameters.* 804,096"),
    ],
)
def test_a_failure_is_a_note_with_its_reason(text: str | None, why: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "model.py").write_text(text)
    found = nano_gpt_step(tmp_path, 1)
    assert not found.measurements
    assert re.match(f"nanoGPT .*: .*{why}", found.notes[0])


def test_the_real_program_trains_and_is_compared(peer_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = nano_gpt_steps(load_gpt(peer_folder / "nanoGPT"))
    assert 4.0 < next(steps) < 4.4  # the uniform baseline is 4.17
    found = nano_gpt_step(peer_folder / "nanoGPT", 1, steps=1)
    assert found.measurements[0].name == "nanoGPT"
    assert len(found.measurements) > 1
    assert not capsys.readouterr().out
