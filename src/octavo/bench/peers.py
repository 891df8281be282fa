"""Other people's programs that Octavo is measured beside: checkouts that the user has made, run from where they are.

Importing this takes no torch.
"""

from dataclasses import dataclass
from pathlib import Path

from octavo.errors import OctavoError

PEERS = {"llama2.c": "generate", "nanoGPT": "train"}  # the checkout's folder -> the suite that it is part of


class PeerFailed(Exception):
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
