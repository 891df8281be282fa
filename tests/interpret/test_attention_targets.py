"""The keys that each kind means, against a loop that follows the words."""

import numpy as np
import pytest

from octavo.evaluate.documents import Documents
from octavo.interpret.attention_targets import TARGET_KINDS, target_masks
from octavo.interpret.excerpts import SampledWindows, sample_windows
from octavo.tokenizer import Tokenizer

TEXT = "ROMEO:\nAy, ay!\nI say: no no no.\n\nNURSE:\nAy me—\n" * 3
NAMES = [kind.name for kind in TARGET_KINDS]


def excerpts(tokenizer: Tokenizer, *texts: str) -> SampledWindows:
    return sample_windows(tokenizer, Documents([tokenizer.encode(text) for text in texts], texts), 32, 4)


def meant(found: SampledWindows, row: int, kind: str, query: int, key: int) -> bool:
    """What the words say of one query and one key."""
    ids, starts, marks = found.inputs[row].tolist(), found.bos_mask[row], found.features
    if key > query or query == 0:
        return False
    if key == 0 and kind == "first":
        return True
    if starts[key]:
        return kind == "first"
    return {
        "previous": key == query - 1,
        "first": False,
        "itself": key == query,
        "same": key < query and ids[key] == ids[query],
        "induction": 0 < key < query and ids[key - 1] == ids[query] and not starts[key - 1],
        "line": bool(marks.line_start[row, key]),
        "punctuation": bool(marks.punctuation[row, key]),
        "speaker": bool(marks.name_begin[row, query] <= key < marks.name_end[row, query]),
    }[kind]


@pytest.mark.parametrize("kind", ["bpe", "characters", "lossy", "unstarted"])
def test_every_query_and_key(kind: str, request: pytest.FixtureRequest) -> None:
    found = excerpts(request.getfixturevalue(kind), TEXT, TEXT[::-1])
    masks = target_masks(found)
    assert masks.shape == (len(found), len(TARGET_KINDS), found.inputs.shape[1], found.inputs.shape[1])
    for row, kind_index, query, key in np.ndindex(masks.shape):
        assert masks[row, kind_index, query, key] == meant(found, row, NAMES[kind_index], query, key)
    assert masks.any((0, 2, 3)).all(), "every kind is in this text"


def test_some_windows_alone(bpe: Tokenizer) -> None:
    found = excerpts(bpe, TEXT)
    assert np.array_equal(target_masks(found, slice(1, 3)), target_masks(found)[1:3])


def test_a_text_that_is_no_play_has_no_speaker(bpe: Tokenizer) -> None:
    masks = target_masks(excerpts(bpe, "all of this is one line of words: " * 20))
    assert [name for index, name in enumerate(NAMES) if not masks[:, index].any()] == ["speaker"]


def test_names_are_in_files_and_titles_are_short() -> None:
    assert len(set(NAMES)) == len(TARGET_KINDS)
    assert all(len(kind.title) <= 18 and kind.meaning for kind in TARGET_KINDS)
