"""What of a text stands word for word in another."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.evaluate import overlap as copies
from octavo.evaluate.overlap import CopyStats, copied_spans, measure_copies, measure_overlap

WORDY = st.lists(st.text(alphabet="ab \n😀", max_size=60), max_size=3)


def slow(texts: Sequence[str], training: Sequence[str]) -> tuple[int, int, int]:
    """The longest run, 8-word sequences and those found, by looking everywhere."""
    runs = {text[i:j] for text in texts for i in range(len(text)) for j in range(i + 1, len(text) + 1)}
    longest = max((len(run) for run in runs if any(run in t for t in training)), default=0)

    def sequences(all_of_them: Sequence[str]) -> list[tuple[str, ...]]:
        words = [text.split() for text in all_of_them]
        return [tuple(w[i : i + 8]) for w in words for i in range(len(w) - 7)]

    there = set(sequences(training))
    return longest, len(sequences(texts)), sum(s in there for s in sequences(texts))


@given(WORDY, WORDY)
@settings(max_examples=150, deadline=None)
def test_it_is_what_a_slow_search_finds(texts: list[str], training: list[str]) -> None:
    found = measure_copies(texts, training)
    assert (found.longest_run, found.sequences, found.sequences_found) == slow(texts, training)
    assert len(found.run) == found.longest_run
    assert not found.run or any(found.run in text for text in texts)
    assert not found.run or any(found.run in text for text in training)
    assert (found.texts, found.characters) == (len(texts), sum(map(len, texts)))


def test_texts_cut_from_the_training_part_are_copies(play: str) -> None:
    texts = [play[at : at + 700] for at in (0, 5_003, 30_000)]
    found = measure_copies(texts, [play])
    assert found.longest_run == 700
    assert found.run in texts
    assert found.sequences > 200
    whole_words = [" ".join(text.split()[1:-1]) for text in texts]  # the first and the last may be cut
    assert measure_copies(whole_words, [play]).fraction_found == 1.0


def test_text_of_another_kind_is_none(play: str) -> None:
    found = measure_copies(["def wait(self, timeout=None): return self._event.wait(timeout) or self.stop()"], [play])
    assert found.longest_run < 12
    assert found.fraction_found is None or found.fraction_found == 0


def test_white_space_does_not_make_other_words_of_them() -> None:
    training = "one two three\nfour  five six seven eight nine"
    known = CopyStats(1, 40, 26, " five six seven eight nine", 1, 1)
    assert measure_copies(["two three four five six seven eight nine"], [training]) == known


@pytest.mark.parametrize("texts", [[], [""], ["", ""]])
def test_no_text(texts: list[str]) -> None:
    assert measure_copies(texts, ["some text"]) == CopyStats(len(texts), 0, 0, "", 0, 0)
    assert measure_copies(texts, []).fraction_found is None
    assert measure_overlap(texts, ["some text"]).fraction == 0


def test_fewer_than_eight_words() -> None:
    found = measure_copies(["one two three four five six seven"], ["one two three four five six seven eight"])
    assert found.longest_run == 33
    assert found.fraction_found is None


def test_nothing_reaches_over_the_border_of_two_documents() -> None:
    found = measure_copies(["ab", "cd"], ["abcd"])
    assert found.longest_run == 2
    found = measure_copies(["abcd"], ["ab", "cd"])
    assert found.longest_run == 2
    words = ["a", "b", "c", "d", "e", "f", "g", "h"]
    assert measure_copies([" ".join(words)], [" ".join(words[:4]), " ".join(words[4:])]).sequences_found == 0


class TestOverlap:
    def test_counts_characters_in_long_stretches(self, play: str) -> None:
        foreign = "".join(chr(0x4E00 + i % 500) for i in range(1_000))
        found = measure_overlap([foreign + play[500:800] + foreign, play[2_000:2_063]], [play])
        assert (found.min_length, found.characters, found.copied_characters) == (64, 2_363, 300)
        assert found.fraction == 300 / 2_363

    def test_a_short_text_must_stand_there_as_a_whole(self, play: str) -> None:
        assert measure_overlap(["To be or not"], [play]).fraction == 0
        assert measure_overlap([play[700:715]], [play]).fraction == 1.0

    def test_held_out_text_of_the_same_kind_does_not_overlap(self, shakespeare: str) -> None:
        border = int(0.9 * len(shakespeare))
        assert measure_overlap([shakespeare[border:]], [shakespeare[:border]]).fraction == 0

    def test_only_the_beginning_of_a_long_text_is_looked_up(self, play: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(copies, "MAX_QUERIED", 2_000)
        found = measure_overlap([play[:1_000] + "é" * 4_000], [play])
        assert (found.characters, found.copied_characters) == (2_000, 1_000)


class TestStretches:
    @given(WORDY, WORDY, st.integers(1, 9))
    @settings(max_examples=150, deadline=None)
    def test_a_character_is_in_one_if_a_run_of_the_training_text_covers_it(
        self, texts: list[str], training: list[str], least: int
    ) -> None:
        for text, found in zip(texts, copied_spans(texts, training, least), strict=True):
            runs = [i for i in range(len(text) - least + 1) if any(text[i : i + least] in t for t in training)]
            covered = {place for i in runs for place in range(i, i + least)}
            assert covered == {place for start, end in found for place in range(start, end)}
            assert all(one[1] < other[0] for one, other in pairwise(found)), "those that touch are one"

    def test_where_a_copy_is(self, play: str) -> None:
        copy = play[1_000:1_060]
        assert copied_spans(["§§" + copy + "§", "§"], [play], 24) == [((2, 62),), ()]
