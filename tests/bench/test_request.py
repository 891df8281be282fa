"""A request that cannot be measured is refused before anything is measured."""

from pathlib import Path

import pytest

from octavo.bench.request import SUITE_NAMES, BenchRequest, Peers, peers_in
from octavo.errors import OctavoError

PEER = {"llama2.c": Path("there")}


@pytest.mark.parametrize(
    ("suites", "rounds", "peers", "facts"),
    [
        (SUITE_NAMES, 0, {}, "^0 rounds .* 1 to 1000"),
        (SUITE_NAMES, 1001, {}, "^1001 rounds"),
        (("speed",), 1, {}, "suite 'speed'.* train, generate, evaluate, growth"),
        (("growth",), 1, PEER, r"growth .* llama2\.c"),
        (("train",), 1, PEER, r"train .* llama2\.c"),
    ],
)
def test_a_request_out_of_range_is_refused(suites: tuple[str, ...], rounds: int, peers: Peers, facts: str) -> None:
    with pytest.raises(OctavoError, match=facts):
        BenchRequest(suites, rounds, peers)


def test_the_checkouts_in_a_folder_are_found(tmp_path: Path) -> None:
    (tmp_path / "nanoGPT").mkdir()
    peers = peers_in(tmp_path)
    assert peers.get("nanoGPT") == tmp_path / "nanoGPT"
    assert peers.get("llama2.c") is None
    assert BenchRequest(("train",), 1, peers).peers


def test_a_folder_without_peers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match=r"llama2\.c nor nanoGPT"):
        peers_in(tmp_path)
    with pytest.raises(OctavoError, match=r"no folder .*none"):
        peers_in(tmp_path / "none")
