"""What cannot be measured is refused before anything is."""

from pathlib import Path

import pytest

from octavo.bench.request import NO_PEERS, SUITE_NAMES, BenchRequest, Peers, peers_in
from octavo.errors import OctavoError

PEER = Peers((("llama2.c", Path("there")),))


@pytest.mark.parametrize(
    ("suites", "rounds", "peers", "sentence"),
    [
        (SUITE_NAMES, 0, NO_PEERS, "0 rounds are out of range: 1 to 1000"),
        (SUITE_NAMES, 1001, NO_PEERS, "1001 rounds are out of range"),
        (("speed",), 1, NO_PEERS, "there is no suite 'speed': choose one of train, generate, evaluate, growth"),
        (("growth",), 1, PEER, "the suite growth does not measure llama2.c: leave the peers out"),
        (("train",), 1, PEER, "the suite train does not measure llama2.c: leave the peers out"),
    ],
)
def test_refused(suites: tuple[str, ...], rounds: int, peers: Peers, sentence: str) -> None:
    with pytest.raises(OctavoError, match=sentence):
        BenchRequest(suites, rounds, peers)


def test_what_can_be(tmp_path: Path) -> None:
    (tmp_path / "nanoGPT").mkdir()
    peers = peers_in(tmp_path)
    assert peers.place("nanoGPT") == tmp_path / "nanoGPT"
    assert peers.place("llama2.c") is None
    assert BenchRequest(("train",), 1, peers).peers
    assert not NO_PEERS


def test_a_folder_without_peers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match=r"holds neither llama2\.c nor nanoGPT"):
        peers_in(tmp_path)
    with pytest.raises(OctavoError, match="there is no folder"):
        peers_in(tmp_path / "none")
