"""What a person asks to be measured, looked at before anything is. Importing this takes no torch."""

from dataclasses import dataclass

from octavo.bench.peers import NO_PEERS, PEERS, Peers
from octavo.errors import OctavoError

SUITE_NAMES = ("train", "generate", "evaluate", "growth")
ROUNDS = 7
_MOST_ROUNDS = 1000


@dataclass(frozen=True)
class Asked:
    """Which suites, how many rounds of each, and beside whom."""

    suites: tuple[str, ...] = SUITE_NAMES
    rounds: int = ROUNDS
    peers: Peers = NO_PEERS

    def __post_init__(self) -> None:
        """Raises OctavoError: it cannot be measured."""
        if not 1 <= self.rounds <= _MOST_ROUNDS:
            raise OctavoError(f"{self.rounds} rounds are out of range: 1 to {_MOST_ROUNDS}")
        if unknown := [name for name in self.suites if name not in SUITE_NAMES]:
            raise OctavoError(f"there is no suite {unknown[0]!r}: choose one of {', '.join(SUITE_NAMES)}")
        if self.peers and not {PEERS[name] for name in self.peers.names} & set(self.suites):
            names = " and ".join(self.peers.names)
            raise OctavoError(f"the suite {self.suites[0]} does not measure {names}: leave the peers out")
