"""Other people's programs that Octavo is measured beside: checkouts that the user has made, run from where they are.

Importing this takes no torch.

What a person asks to be measured, looked at before anything is. Importing this takes no torch.
"""

from dataclasses import dataclass
from pathlib import Path

from octavo.errors import OctavoError

PEERS = {"llama2.c": "generate", "nanoGPT": "train"}  # the checkout's folder -> the suite that it is part of


class PeerError(Exception):
    """A peer cannot be measured here; the message says why, in half a sentence."""


@dataclass(frozen=True)
class Peers:
    """The checkouts that there are, by name; it is false where there are none."""

    places: tuple[tuple[str, Path], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.places)

    @property
    def names(self) -> list[str]:
        """Of those that there are."""
        return [name for name, _ in self.places]

    def place(self, name: str) -> Path | None:
        """Where a peer's checkout is."""
        return dict(self.places).get(name)


NO_PEERS = Peers()


def peers_in(folder: Path) -> Peers:
    """The peers whose checkouts are in `folder`.

    Raises:
        OctavoError: there is no such folder, or none of them is in it.
    """
    if not folder.is_dir():
        raise OctavoError(f"there is no folder {folder}: give one with checkouts of {' or '.join(PEERS)}")
    found = tuple((name, folder / name) for name in PEERS if (folder / name).is_dir())
    if not found:
        raise OctavoError(f"{folder} holds neither {' nor '.join(PEERS)}: docs/performance.md says how to get them")
    return Peers(found)


SUITE_NAMES = ("train", "generate", "evaluate", "growth")
ROUNDS = 7
_MAX_ROUNDS = 1000


@dataclass(frozen=True)
class BenchRequest:
    """Which suites, how many rounds of each, and beside whom."""

    suites: tuple[str, ...] = SUITE_NAMES
    rounds: int = ROUNDS
    peers: Peers = NO_PEERS

    def __post_init__(self) -> None:
        """Raises OctavoError: it cannot be measured."""
        if not 1 <= self.rounds <= _MAX_ROUNDS:
            raise OctavoError(f"{self.rounds} rounds are out of range: 1 to {_MAX_ROUNDS}")
        if unknown := [name for name in self.suites if name not in SUITE_NAMES]:
            raise OctavoError(f"there is no suite {unknown[0]!r}: choose one of {', '.join(SUITE_NAMES)}")
        if self.peers and not {PEERS[name] for name in self.peers.names} & set(self.suites):
            names = " and ".join(self.peers.names)
            raise OctavoError(f"the suite {self.suites[0]} does not measure {names}: leave the peers out")
