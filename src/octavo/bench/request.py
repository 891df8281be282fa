"""The request of a benchmark, checked before anything is measured: suites, rounds, and checkouts of peer programs.

A peer is another project's program, run from where the user has checked it out. Importing this loads no torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from octavo.errors import OctavoError

Peers = Mapping[str, Path]  # the checkouts that were found, by name
PEERS = {"llama2.c": "generate", "nanoGPT": "train"}  # folder of the checkout -> suite that measures it
SUITE_NAMES = ("train", "generate", "evaluate", "growth", "page")
ROUNDS = 7
_MAX_ROUNDS = 1000


class PeerError(Exception):
    """A peer cannot be measured here; the message is the reason, as half a sentence."""


def peers_in(folder: Path) -> Peers:
    """Return the peers whose checkouts are in `folder`.

    Raises:
        OctavoError: the folder does not exist or holds no peer.
    """
    if not folder.is_dir():
        raise OctavoError(f"there is no folder {folder}: give one with checkouts of {' or '.join(PEERS)}")
    peers = {name: folder / name for name in PEERS if (folder / name).is_dir()}
    if not peers:
        raise OctavoError(
            f"{folder} holds neither {' nor '.join(PEERS)}: clone them as docs/performance.md describes"
        )
    return peers


@dataclass(frozen=True)
class BenchRequest:
    """The suites to run, the rounds of each, and the peers to compare with."""

    suites: tuple[str, ...] = SUITE_NAMES
    rounds: int = ROUNDS
    peers: Peers = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise OctavoError if this cannot be measured."""
        if not 1 <= self.rounds <= _MAX_ROUNDS:
            raise OctavoError(f"{self.rounds} rounds are out of range: give 1 to {_MAX_ROUNDS}")
        if unknown := [name for name in self.suites if name not in SUITE_NAMES]:
            raise OctavoError(f"there is no suite {unknown[0]!r}: choose one of {', '.join(SUITE_NAMES)}")
        if self.peers and not {PEERS[name] for name in self.peers} & set(self.suites):
            names = " and ".join(self.peers)
            raise OctavoError(f"the suite {self.suites[0]} does not measure {names}: leave the peers out")
