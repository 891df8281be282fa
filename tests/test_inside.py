"""What a run shows of its inside, from Python."""

import pytest

from octavo.errors import OctavoError
from octavo.run import Run


def test_surprise_of_the_runs_own_text(trained: Run) -> None:
    shown = trained.surprise()
    assert trained.parts["validation"].text.startswith(shown.surprise.text)
    assert len(shown.surprise.text) == 2000
    assert shown.name == trained.name


def test_the_lens_takes_a_context_at_most(trained: Run) -> None:
    lens = trained.lens().lens
    assert len(lens.passage.ids) == trained.config.data.context_length
    assert len(trained.lens("some words", max_tokens=3).lens.passage.ids) == 3
    held_out = min(8192, len(trained.parts["validation"].ids))
    assert lens.held_out_tokens in (held_out, held_out - 1)  # but for a start token
    for most in (1, 33):
        with pytest.raises(OctavoError, match=f"{most} tokens are out of range: 2 to 32"):
            trained.lens("words", max_tokens=most)


def test_one_place_needs_no_list(trained: Run) -> None:
    one = trained.edit("Speak", zero="blocks.0.attention.head.1").edit
    assert one == trained.edit("Speak", zero=["blocks.0.attention.head.1"]).edit
    other = trained.edit("Speak", patch="embedding", other="Speak, speak, speak", mean="blocks.0.output").edit
    assert other.changed == ("mean blocks.0.output", "patch embedding")


def test_results_show_themselves_in_a_notebook(trained: Run) -> None:
    for shown in (trained.surprise("Speak"), trained.lens("Speak"), trained.edit("Speak", zero="embedding")):
        assert "<iframe" in shown._repr_html_()
