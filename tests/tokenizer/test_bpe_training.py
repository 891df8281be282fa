"""Merges are learned from a bounded part of a text, and learning can be stopped."""

import threading
import time
from pathlib import Path

import pytest

from octavo.corpus.lazy_text import LazyText, open_lazy
from octavo.errors import OctavoError
from octavo.tokenizer.chunking import learnable_chunks
from octavo.tokenizer.kinds import ByteBPE

MODULE = "octavo.tokenizer.bpe_training"


def learned_from(text: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the chunks that a tokenizer learns from."""
    found: list[str] = []

    def noted(text: str, every: int) -> list[str]:
        found[:] = learnable_chunks(text, every)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(f"{MODULE}.learnable_chunks", noted)
        ByteBPE.train(text, 300)
    return found


def test_a_text_of_usual_length_is_learned_from_as_a_whole(shakespeare: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "".join(learned_from(shakespeare[:300_000], monkeypatch)) == shakespeare[:300_000]


@pytest.mark.parametrize(("most", "distinct"), [(250_000, 200_000), (10**9, 30_000)])
def test_of_a_long_one_parts_from_all_over_it(
    shakespeare: str, monkeypatch: pytest.MonkeyPatch, most: int, distinct: int
) -> None:
    monkeypatch.setattr(f"{MODULE}._MAX_BYTES", most)
    monkeypatch.setattr(f"{MODULE}._MAX_DISTINCT_BYTES", distinct)
    chunks = learned_from(shakespeare, monkeypatch)
    places = [shakespeare.index(chunk) for chunk in chunks]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] > 0.6 * len(shakespeare)
    read = sum(map(len, chunks))
    words = {word for chunk in chunks for word in chunk.split()}
    assert read < 0.5 * len(shakespeare)
    assert read <= most + 2**16
    assert sum(map(len, words)) <= 1.5 * distinct + 30_000


def test_how_far_it_is_is_told(shakespeare: str) -> None:
    shares: list[float] = []
    ByteBPE.train(shakespeare, 300, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_it_stops_at_once(shakespeare: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, began = shakespeare * 4, time.monotonic()

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ByteBPE.train(text, 2000, stop)
    assert time.monotonic() - began < 2
    for thread in threading.enumerate():  # it ends by itself, and is not to disturb other tests
        if thread.name.startswith("Thread-") and thread.daemon and "train" in thread.name:
            thread.join(60)


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path, shakespeare: str) -> None:
    place = tmp_path / "text.txt"
    place.write_text(shakespeare)
    text = open_lazy(place, "utf-8")
    assert isinstance(text, LazyText)
    place.write_text(shakespeare[:-5])
    with pytest.raises(OctavoError, match="changed"):
        ByteBPE.train(text, 300)
