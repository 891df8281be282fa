"""Text as it grows: whole characters, no part of a stop text, the same streamed or not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.generate.text import IncrementalDetokenizer, continue_prompts
from octavo.pipeline.run import Run
from octavo.tokenizer.kinds import WhitespaceBPE

BYTES = [bytes([i]) for i in range(256)] + [b""]
END = 256


def stream(stops: list[str] | None = None, most: int = 10**6) -> IncrementalDetokenizer:
    return IncrementalDetokenizer(BYTES, END, stops or [], most)


def pieces(content: bytes, stops: list[str] | None = None, *, end: bool = True) -> list[str]:
    made = stream(stops)
    found = []
    for token in [*content, *([END] if end else [])]:
        if made.done:
            break
        found.append(made.push([token]))
    return found


class TestCharacters:
    @given(st.text())
    def test_are_never_split(self, text: str) -> None:
        found = pieces(text.encode())
        assert "".join(found) == text
        text = text.removesuffix("\r")  # could be half of a line end
        assert "".join(found[:-1]) == text  # nothing waits longer than until its character is whole
        for at, piece in enumerate(found[:-1]):
            assert piece.removeprefix("\r") in ("", text.encode()[: at + 1].decode(errors="ignore")[-1:])

    @given(st.binary())
    def test_bytes_that_are_no_text_become_the_replacement_character(self, content: bytes) -> None:
        assert "".join(pieces(content + b"!")) == (content + b"!").decode(errors="replace")

    @given(st.text(), st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), st.integers(1, 3))
    def test_one_that_is_not_whole_at_the_end_is_left_out(self, text: str, last: str, cut: int) -> None:
        raw = last.encode()
        assert "".join(pieces(text.encode() + raw[: min(cut, len(raw) - 1)])) == text

    def test_several_come_at_once_from_one_token(self) -> None:
        made = IncrementalDetokenizer(["é😀".encode()[:3], "é😀".encode()[3:] + b"x"], None, [], 10)
        assert [made.push([0]), made.push([1])] == ["é", "😀x"]


class TestStops:
    @given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3))
    def test_end_the_text_before_the_first_and_never_show_in_part(self, text: str, stops: list[str]) -> None:
        found = "".join(pieces(text.encode(), stops))
        ends = [(place + len(stop), place) for stop in stops if (place := text.find(stop)) >= 0]
        if ends:
            first = min(end for end, _ in ends)  # the token that completes one ends the text
            assert found == text[: min(place for end, place in ends if end == first)]
        else:
            assert found == text

    def test_what_could_begin_one_waits_and_comes_when_it_does_not(self) -> None:
        assert pieces(b"aSTOx", ["STOP"]) == ["a", "", "", "", "STOx", ""]
        assert pieces(b"aSTOPx", ["STOP"]) == ["a", "", "", "", ""]
        assert pieces(b"aSTO", ["STOP"]) == ["a", "", "", "", "STO"]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("asked", ["\n\n", "\r\n\r\n", "\r\r", "\r\n\n"])
    def test_match_line_ends_of_any_kind(self, end: str, asked: str) -> None:
        text = f"a{end}b{end}{end}c"
        assert "".join(pieces(text.encode(), [asked])) == f"a{end}b"
        assert "".join(pieces(text.encode(), [asked + "x"])) == text
        assert "".join(pieces(f"a{end}b".encode(), [asked])) == f"a{end}b"

    def test_a_line_end_is_never_given_out_in_halves(self) -> None:
        assert pieces(b"a\r\nb\rc\r", ["x"]) == ["a", "", "\r\n", "b", "", "\rc", "", "\r"]

    def test_of_more_than_one_character_of_several_bytes(self) -> None:
        assert "".join(pieces("x😀é!y".encode(), ["é!"])) == "x😀"


@given(
    st.text("ab€\r\n", max_size=30),
    st.lists(st.text("ab€\r\n", min_size=1, max_size=4), max_size=3),
    st.integers(1, 40),
)
def test_the_text_is_the_same_whatever_pieces_its_tokens_come_in(text: str, stops: list[str], size: int) -> None:
    made, found = stream(stops), ""
    content = text.encode()
    for at in range(0, len(content), size):
        if not made.done:
            found += made.push([*content[at : at + size]])
    if not made.done:
        found += made.push([END])
    assert found == "".join(pieces(content, stops))


@pytest.mark.parametrize(
    ("prompt", "said"), [("日本", "'日本'"), (" \n", "for anything in the prompt"), ("", "not empty")]
)
def test_a_prompt_without_a_token_is_refused_for_what_it_is(prompt: str, said: str) -> None:
    tokenizer = WhitespaceBPE.train("to be or not to be", 30)
    unused: Any = None  # it is refused before anything is decoded
    with pytest.raises(OctavoError, match=said):
        next(continue_prompts(unused, tokenizer, ["to be", prompt], context_length=8, sampling=SamplingConfig()))


def test_it_ends_at_the_length_asked_for_and_at_the_end_token() -> None:
    made = stream(most=3)
    assert [made.push([97]), made.push([98, 99, 100])] == ["a", "bc"]
    assert made.done
    made = stream()
    assert (made.push([97]), made.done) == ("a", False)
    assert (made.push([98, END, 99]), made.done) == ("b", True)


class TestRun:
    def test_the_same_seed_writes_the_same_text_and_another_another(self, trained: Run) -> None:
        first = trained.generate("First", seed=1, max_new_tokens=30)
        assert trained.generate("First", seed=1, max_new_tokens=30) == first
        assert trained.generate("First", seed=2, max_new_tokens=30) != first

    def test_streamed_is_as_at_once(self, trained: Run) -> None:
        found = list(trained.generate("First", seed=1, max_new_tokens=80, stream=True))
        assert "".join(found) == trained.generate("First", seed=1, max_new_tokens=80)
        assert len(found[0]) <= len(found[-1])  # past the context of 32 tokens; the end token did not come

    def test_a_text_does_not_depend_on_how_many_there_are(self, trained: Run) -> None:
        def texts(count: int) -> list[str]:
            rows = trained.generate_many(["KING"] * count, seed=3, max_new_tokens=40)
            return ["".join(column) for column in zip(*rows, strict=True)]

        three = texts(3)
        assert texts(1) == three[:1]
        assert texts(2) == three[:2]
        assert len(set(three)) == 3
        assert trained.generate("KING", seed=3, max_new_tokens=40) == three[0]

    def test_nor_on_how_many_are_written_at_once(self, trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def rows() -> list[list[str]]:
            return list(trained.generate_many([f"{'KING ' * n}" for n in range(5)], seed=3, max_new_tokens=40))

        at_once = rows()
        monkeypatch.setattr("octavo.generate.streams._MAX_BYTES", 1)  # a stream at a time
        one_by_one = rows()
        texts = [["".join(column) for column in zip(*found, strict=True)] for found in (at_once, one_by_one)]
        assert texts[0] == texts[1]
        assert max(sum(map(bool, row)) for row in at_once) > 1
        assert max(sum(map(bool, row)) for row in one_by_one[1:]) == 1, "after what heals the prompts"

    def test_prompts_of_any_length_side_by_side_are_as_each_alone(self, trained: Run) -> None:
        prompts = ["", "First Citizen:\n", "We are accounted poor citizens, " * 9, "x"]
        rows = trained.generate_many(prompts, temperature=0, max_new_tokens=40)
        together = ["".join(column) for column in zip(*rows, strict=True)]
        assert together == [trained.generate(p, temperature=0, max_new_tokens=40) for p in prompts]

    def test_top_k_of_one_is_greedy(self, trained: Run) -> None:
        greedy = trained.generate("First", temperature=0, max_new_tokens=50)
        assert trained.generate("First", temperature=1.7, top_k=1, seed=9, max_new_tokens=50) == greedy

    def test_stop_texts_also_across_tokens(self, trained: Run) -> None:
        whole = trained.generate("First", temperature=1, seed=5, max_new_tokens=60)
        for stop in (whole[10:14], whole[30:35], whole[1]):
            found = trained.generate("First", temperature=1, seed=5, max_new_tokens=60, stop=stop)
            assert found == whole[: whole.index(stop)]
            streamed = trained.generate("First", temperature=1, seed=5, max_new_tokens=60, stop=[stop], stream=True)
            assert "".join(streamed) == found

    def test_on_a_text_of_emoji_every_piece_is_whole(self, strange: Run) -> None:
        found = list(strange.generate("", temperature=0.3, seed=1, max_new_tokens=200, stream=True))
        assert "".join(found) == strange.generate("", temperature=0.3, seed=1, max_new_tokens=200)
        assert any(ord(c) > 0xFFFF for c in "".join(found)), "it has learned to write emoji"
        assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in found)
        ids = strange.tokenizer.encode("".join(found)).tolist()
        assert strange.tokenizer.decode(ids) == "".join(found)

    @pytest.mark.parametrize(
        "options",
        [
            {"temperature": -1},
            {"top_p": 0},
            {"top_k": -1},
            {"min_p": 2},
            {"max_new_tokens": 0},
            {"max_new_tokens": 2.5},
            {"seed": 1.5},
            {"temperature": "hot"},
            {"temprature": 1},
            {"stop": ""},
            {"stop": ["x", ""]},
        ],
        ids=str,
    )
    def test_bad_values_are_refused_in_a_sentence(self, trained: Run, options: dict[str, Any]) -> None:
        with pytest.raises(OctavoError, match=r"^[a-z].{10,200}$"):
            trained.generate("First", **options)
        with pytest.raises(OctavoError):
            list(trained.generate_many([]))

    def test_a_prompt_that_is_no_text_is_refused(self, trained: Run) -> None:
        with pytest.raises(OctavoError, match="half a surrogate pair"):
            trained.generate("\ud800")
