"""What a model has by heart: one that copies is found out, one that does not is not."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.evaluate.memorisation import cut_to_lengths
from octavo.pipeline.run import Run
from octavo.pipeline.train import train

MODULE = "octavo.evaluate.memorisation"


@given(st.lists(st.text(max_size=9), max_size=6), st.text(max_size=30))
def test_held_out_text_is_cut_to_the_same_lengths(texts: list[str], held_out: str) -> None:
    kept, pieces = cut_to_lengths(texts, held_out)
    assert [len(text) for text in kept] == [len(piece) for piece in pieces]
    assert held_out.startswith("".join(pieces))
    fitting = [n for n in range(len(texts) + 1) if len("".join(texts[:n])) <= len(held_out)]
    if texts and fitting == [0]:
        assert kept == [texts[0][: len(held_out)]]
    else:
        assert kept == texts[: max(fitting)]


class TestAModelThatCopies:
    @pytest.fixture
    def copying(self, copied: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
        """Writes the training part instead of its own text, each stream from another place."""
        text = copied.splits["train"].text

        def continued(
            decoder: object, tokenizer: object, prompts: Sequence[str], **options: Any
        ) -> Iterator[list[str]]:
            places = [text.index("\n", 3_000 * i) for i in range(len(prompts))]
            for step in range(options["sampling"].max_new_tokens):
                yield [text[place + 2 * step : place + 2 * step + 2] for place in places]

        monkeypatch.setattr(f"{MODULE}.continue_prompts", continued)
        return copied

    def test_is_found_out(self, copying: Run) -> None:
        found = copying.memorisation(samples=4, tokens=400)
        assert found.generated.longest_run == 800
        assert found.generated.run in copying.splits["train"].text
        assert found.generated.sequences > 400
        assert found.generated.fraction_found is not None
        assert found.generated.fraction_found > 0.99  # the last word of a text may be cut
        assert found.held_out.longest_run < 60
        assert found.held_out.fraction_found is not None
        assert found.held_out.fraction_found < 0.05

    def test_is_compared_with_as_much_held_out_text_as_there_is(self, copying: Run) -> None:
        """4,000 characters are some 2,300 tokens, which has room for five texts."""
        found = copying.memorisation(samples=64, tokens=450)
        assert found.generated.texts == found.held_out.texts == 4, "and for four of 900 characters"
        assert found.generated.characters == found.held_out.characters == 3_600


def test_a_model_trained_on_little_text_for_long_has_it_by_heart(
    play: str, tiny: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "short.txt").write_bytes(play[:1_500].encode())
    changes = {"model.dropout": 0.0, "model.hidden_dropout": 0.0, "tokenizer.dropout": 0.0}
    changes |= {"optimizer.learning_rate": 0.01, "optimizer.matrix_learning_rate": 0.06}
    run = train(
        tmp_path / "short.txt", steps=200, overrides=tiny | changes, runs=tmp_path, progress=False, brief=True
    )
    found = run.memorisation(tokens=60)
    assert found.generated.longest_run > 2 * found.held_out.longest_run
    assert found.generated.fraction_found is not None
    assert found.generated.fraction_found > 0.3
    assert found.held_out.fraction_found == 0.0


def test_a_model_trained_on_more_text_than_it_can_hold_has_not(copied: Run) -> None:
    shares: list[float] = []
    found = copied.memorisation(samples=8, tokens=150, seed=3, watch=shares.append)
    assert found.generated.texts == 8
    assert found.generated.longest_run < found.held_out.longest_run + 15
    assert found.generated.fraction_found == 0.0
    assert (found.tokens, found.temperature, found.seed, found.checkpoint) == (150, 1.0, 3, "step-00000080")
    assert (found.searched, found.searched_all, found.lossless_tokenizer) == (36_000, True, True)
    assert shares == sorted(shares)
    assert (shares[-1], len(set(shares)) > 3) == (1.0, True)
    kept = json.loads((copied.path / "memorisation.json").read_text())
    assert kept == found.to_dict()
    assert kept["generated"]["share_found"] == 0.0
    again = copied.memorisation(samples=8, tokens=150, seed=3)
    assert again.generated == found.generated
    assert copied.memorisation(samples=8, tokens=150, seed=4).generated != found.generated


def test_of_a_long_training_part_the_end_is_searched_and_that_is_said(
    copied: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{MODULE}.MAX_SEARCHED", 2_000)
    found = copied.memorisation(samples=1, tokens=20)
    assert (found.searched, found.searched_all) == (2_000, False)


def test_where_the_tokenizer_loses_text_its_own_text_is_compared(
    play_file: Path, tiny: dict[str, Any], tmp_path: Path
) -> None:
    settings = tiny | {"tokenizer.kind": "whitespace-bpe", "tokenizer.vocab_size": 300, "tokenizer.trained_on": "all"}
    run = train(play_file, steps=3, overrides=settings, runs=tmp_path, progress=False, brief=True)
    found = run.memorisation(samples=5, tokens=40)
    assert not found.lossless_tokenizer
    assert found.held_out.longest_run > 10, "it is cut into pieces in the same way as the training part"
    assert found.held_out.sequences > 100
    assert found.generated.texts == 5


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"samples": 0}, "0 samples are out of range: give 1 to 10000"),
        ({"tokens": 0}, "max_new_tokens=0 is out of range"),
        ({"temperature": -1.0}, "temperature=-1.0 is out of range"),
    ],
)
def test_options_out_of_range(trained: Run, option: dict[str, Any], says: str) -> None:
    with pytest.raises(OctavoError, match=says):
        trained.memorisation(**option)
