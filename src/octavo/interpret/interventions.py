"""Interventions: changing what flows through a model at one site, and nothing else.

A place is a site of octavo.model.taps, ``blocks.0.output``, one head of an attention, ``blocks.0.attention.head.2``,
or one unit of a feed-forward, ``blocks.1.feedforward.unit.37``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch

from octavo.errors import OctavoError
from octavo.interpret.recording import Recorded, sites_of
from octavo.model import Transformer
from octavo.model.taps import Tap

_HEAD = re.compile(r"(blocks\.\d+\.attention)\.head\.(\d+)")
_UNIT = re.compile(r"(blocks\.\d+\.feedforward)\.unit\.(\d+)")


@dataclass(frozen=True)
class Place:
    """Where to change: a site, of whose tensor `axis` (from the end) is taken at `index` alone, or all of it."""

    name: str
    site: str
    axis: int = 0
    index: int | None = None

    def of(self, tensor: torch.Tensor) -> torch.Tensor:
        """The part of a site's tensor that is meant, as a view."""
        return tensor if self.index is None else tensor.select(self.axis, self.index)


def parse_place(name: str, model: Transformer) -> Place:
    """A place by its name.

    Raises:
        OctavoError: the model has no such place.
    """
    sites = sites_of(model)
    if name in sites:
        return Place(name, name)
    config = model.config
    for pattern, site, axis, size in (
        (_HEAD, "heads", -3, config.n_heads),
        (_UNIT, "hidden", -1, config.d_ff),
    ):
        found = pattern.fullmatch(name)
        if found and f"{found[1]}.{site}" in sites and int(found[2]) < size:
            return Place(name, f"{found[1]}.{site}", axis, int(found[2]))
    raise OctavoError(
        f"there is no place {name!r} in this model: its blocks are 0 to {config.n_layers - 1}, their heads 0 to "
        f"{config.n_heads - 1}, as in blocks.0.attention.head.{config.n_heads - 1} or blocks.0.output"
    )


def zero(place: Place) -> Tap:
    """Nothing flows by."""
    return _changed(place, torch.zeros_like)


def replaced(place: Place, values: torch.Tensor) -> Tap:
    """`values`, broadcast to the shape of the place, flow by instead: a mean, or what another text had there."""
    return _changed(place, lambda old: values.to(old.dtype).expand_as(old))


def patched(place: Place, recorded: Recorded) -> Tap:
    """What flowed by in another pass flows by instead; the passes have to be of one shape."""
    return replaced(place, place.of(recorded[place.site]))


def looking_at_first(layer: int, head: int) -> Tap:
    """A head looks at the first token alone, wherever it is: it reads the same thing everywhere."""
    place = Place(f"blocks.{layer}.attention.head.{head}", f"blocks.{layer}.attention.pattern", -3, head)

    def first(pattern: torch.Tensor) -> torch.Tensor:
        only = torch.zeros_like(pattern)
        only[..., 0] = 1.0
        return only

    return _changed(place, first)


def _changed(place: Place, change: Callable[[torch.Tensor], torch.Tensor]) -> Tap:
    def tap(site: str, tensor: torch.Tensor) -> torch.Tensor:
        if site != place.site:
            return tensor
        changed = tensor.clone()
        place.of(changed).copy_(change(place.of(tensor)))
        return changed

    return tap
