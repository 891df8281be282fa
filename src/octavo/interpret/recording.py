"""Recording: what flowed through a model at the sites that somebody wants to see."""

from fnmatch import fnmatchcase

import torch

from octavo.model import Transformer
from octavo.model.taps import Tap, tapped

Recorded = dict[str, torch.Tensor]


def fits(pattern: str, name: str) -> bool:
    """Whether a name is meant by a pattern: ``*``, ``?`` and ``[02]`` as in file names, within one part between dots,
    so that ``blocks.*.output`` is the output of every block and not that of its parts."""
    wanted, parts = pattern.split("."), name.split(".")
    return len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted))


def recorder(kept: Recorded, *sites: str) -> Tap:
    """A tap that puts what flows by `sites`, names or patterns of them, into `kept`."""

    def record(site: str, tensor: torch.Tensor) -> torch.Tensor:
        if any(fits(wanted, site) for wanted in sites):
            kept[site] = tensor.clone()
        return tensor

    return record


@torch.inference_mode()
def record(model: Transformer, input_ids: torch.Tensor, *sites: str, tap: Tap | None = None) -> Recorded:
    """What flows by `sites` when the model reads `input_ids` (B, T), after `tap`, if there is one, has changed it."""
    kept: Recorded = {}
    model(input_ids, tap=in_turn(tap, recorder(kept, *sites)))
    return kept


def in_turn(*taps: Tap | None) -> Tap:
    """One tap after the other, each given what the one before made."""

    def all_of_them(site: str, tensor: torch.Tensor) -> torch.Tensor:
        for tap in taps:
            tensor = tapped(tap, site, tensor)
        return tensor

    return all_of_them


def sites_of(model: Transformer) -> tuple[str, ...]:
    """The names of all sites, in the order of the pass."""
    found: list[str] = []

    def note(site: str, tensor: torch.Tensor) -> torch.Tensor:
        found.append(site)
        return tensor

    with torch.inference_mode():
        model(torch.zeros(1, 1, dtype=torch.int64), tap=note)
    return tuple(found)
