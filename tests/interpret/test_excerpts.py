"""SampledWindows are windows as training sees them, and cover what they should."""

import numpy as np
import pytest

from octavo.errors import OctavoError
from octavo.evaluate.documents import Documents
from octavo.interpret.excerpts import SampledWindows, sample_windows
from octavo.tokenizer import Tokenizer

CONTEXT = 16


def excerpts(tokenizer: Tokenizer, *texts: str, windows: int = 8) -> SampledWindows:
    documents = Documents([tokenizer.encode(text) for text in texts], texts)
    return sample_windows(tokenizer, documents, CONTEXT, windows)


def test_windows_are_spread_over_all_of_the_text(bpe: Tokenizer, play: str) -> None:
    found, stream = excerpts(bpe, play), [bpe.bos_id, *bpe.encode(play).tolist()]
    assert found.inputs.shape == found.targets.shape == (8, CONTEXT)
    begins = np.linspace(0, len(stream) - 1 - CONTEXT, 8).astype(int)
    for row, begin in enumerate(begins):
        assert found.inputs[row].tolist() == [bpe.bos_id, *stream[begin + 1 : begin + CONTEXT]]
        assert found.targets[row].tolist() == stream[begin + 1 : begin + CONTEXT + 1]
    assert begins[-1] + CONTEXT + 1 == len(stream)
    assert found.bos_mask.sum() == 8
    assert set(found.vocabulary) == set(bpe.encode(play).tolist())


@pytest.mark.parametrize("kind", ["bpe", "characters", "lossy", "unstarted"])
def test_side_by_side_they_have_the_characters_of_the_text(
    kind: str, play: str, request: pytest.FixtureRequest
) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    text = play[:3_000] + "日本—é"
    found = excerpts(tokenizer, text, windows=10_000)
    tokens = len(tokenizer.encode(text))
    assert len(found) == (tokens - (tokenizer.bos_id is None)) // CONTEXT
    assert found.characters.sum() == pytest.approx(len(text), abs=5 * CONTEXT)
    assert found.target_mask.all()


def test_of_a_text_that_fills_no_window_there_is_one_as_long_as_it(bpe: Tokenizer) -> None:
    found = excerpts(bpe, "To be, or")
    assert found.inputs.shape == (1, len(bpe.encode("To be, or")))
    assert found.characters.tolist() == [9]


@pytest.mark.parametrize(("text", "said"), [("T", "too short"), ("日", "no token for any character")])
def test_a_text_of_next_to_nothing_is_refused(lossy: Tokenizer, text: str, said: str) -> None:
    with pytest.raises(OctavoError, match=said):
        excerpts(lossy, text)


def test_documents_follow_each_other_as_in_training(bpe: Tokenizer) -> None:
    """The start token between two is an input like others; what it would cost as a target does not count."""
    first, second = "ROMEO:\nAy me.", "NURSE:\nHe is gone, he is kill'd, he is dead!"
    found = excerpts(bpe, first, "", second, windows=1000)
    joined = [bpe.bos_id, *bpe.encode(first).tolist(), bpe.bos_id, *bpe.encode(second).tolist()]
    again = len(bpe.encode(first)) + 1
    assert found.inputs[0].tolist() == joined[:CONTEXT]
    assert found.bos_mask[0].nonzero()[0].tolist() == [0, again]
    assert (~found.target_mask[0]).nonzero().flatten().tolist() == [again - 1]
    assert found.features.line_start[0, [1, again + 1]].all()
    begin, end = (int(places[0, again - 1]) for places in (found.features.name_begin, found.features.name_end))
    assert bpe.decode(found.inputs[0, begin:end].tolist()) == "ROMEO"
    assert found.features.name_begin[0, again] == found.features.name_end[0, again], (
        "the next text has no speaker yet"
    )


def test_names_are_told_by_their_places_in_the_window(bpe: Tokenizer, play: str) -> None:
    found = excerpts(bpe, play, windows=100)
    heard = set()
    for row in range(len(found)):
        begin, end = max(0, int(found.features.name_begin[row, -1])), int(found.features.name_end[row, -1])
        if int(found.features.name_begin[row, -1]) > 0:
            heard.add(bpe.decode(found.inputs[row, begin:end].tolist()))
    assert heard >= {"First Citizen", "MENENIUS"}
    assert all(name == name.strip() and ":" not in name for name in heard)
