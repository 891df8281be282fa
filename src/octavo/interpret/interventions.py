"""Interventions: changing what flows through a model at one site, and nothing else.

A place is a site of octavo.model.taps, ``blocks.0.output``, one head of an attention, ``blocks.0.attention.head.2``,
or one unit of a feed-forward, ``blocks.1.feedforward.unit.37``; in a text, at all its tokens or at one.

Changes: what is to be done where inside a model, as a person asks for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from octavo.errors import OctavoError, nearest
from octavo.interpret.activations import ActivationCache, matches, sites_of
from octavo.interpret.tokens import Passage
from octavo.model import Transformer
from octavo.model.taps import Tap


@dataclass(frozen=True)
class Target:
    """Where to change: a site, of whose tensor `axis` (from the end) is taken at `index` alone, or all of it; at the
    token at `position` alone, or at all of them."""

    name: str
    site: str
    axis: int = 0
    index: int | None = None
    position: int | None = None

    def select(self, tensor: torch.Tensor) -> torch.Tensor:
        """The part of a site's tensor that is meant, as a view. Of every site the last axis but one is T."""
        if self.position is not None:
            tensor = tensor.narrow(-2, self.position, 1)
        return tensor if self.index is None else tensor.select(self.axis, self.index)


def targets_of(model: Transformer) -> dict[str, Target]:
    """Every place of a model by its name: the sites in the order of the pass, then heads, then units."""
    config = model.config
    places = {site: Target(site, site) for site in sites_of(model)}
    for part, site, axis, size in (
        ("attention.head", "attention.heads", -3, config.n_heads),
        ("feedforward.unit", "feedforward.hidden", -1, config.d_ff),
    ):
        for layer in range(config.n_layers):
            names = {f"blocks.{layer}.{part}.{index}": index for index in range(size)}
            places |= {name: Target(name, f"blocks.{layer}.{site}", axis, index) for name, index in names.items()}
    return places


def parse_targets(name: str, model: Transformer) -> tuple[Target, ...]:
    """The places that a name or a pattern stands for, as ``blocks.*.attention.head.0``.

    Raises:
        OctavoError: the model has no such place.
    """
    found = tuple(place for known, place in targets_of(model).items() if matches(name, known))
    if found:
        return found
    config, near = model.config, nearest(name, targets_of(model), cutoff=0.8)
    meant = f"did you mean {near}? " if near else ""
    last = config.n_heads - 1
    raise OctavoError(
        f"there is no place {name!r} in this model: {meant}blocks are 0 to {config.n_layers - 1}, their heads 0 to "
        f"{last} and units 0 to {config.d_ff - 1}, as in blocks.0.attention.head.{last} or blocks.0.output"
    )


def parse_target(name: str, model: Transformer) -> Target:
    """The one place of a name.

    Raises:
        OctavoError: the model has no such place, or the name is a pattern that stands for several.
    """
    first, *others = parse_targets(name, model)
    if others:
        raise OctavoError(f"{name!r} stands for {len(others) + 1} places: give one, as {first.name}")
    return first


def zero_ablate(place: Target) -> Tap:
    """Nothing flows by. Of attention's scores, what may not be looked at stays so: all the rest counts alike."""
    return _changed(place, lambda old: torch.zeros_like(old).masked_fill_(old.isneginf(), -torch.inf))


def replace_with(place: Target, values: torch.Tensor) -> Tap:
    """`values`, broadcast to the shape of the place, flow by instead: a mean, or what another text had there."""
    return _changed(place, lambda old: values)


def patch_from(place: Target, recorded: ActivationCache) -> Tap:
    """What flowed by in another pass flows by instead; the passes have to be of one shape.

    `recorded` is looked into when the model runs, so it may be filled anew before each pass.
    """
    return _changed(place, lambda old: place.select(recorded[place.site]))


def attend_to_first(layer: int, head: int) -> Tap:
    """A head looks at the first token alone, wherever it is: it reads the same thing everywhere."""
    place = Target(f"blocks.{layer}.attention.head.{head}", f"blocks.{layer}.attention.pattern", -3, head)

    def first(pattern: torch.Tensor) -> torch.Tensor:
        only = torch.zeros_like(pattern)
        only[..., 0] = 1.0
        return only

    return _changed(place, first)


def _changed(place: Target, change: Callable[[torch.Tensor], torch.Tensor]) -> Tap:
    def tap(site: str, tensor: torch.Tensor) -> torch.Tensor:
        if site != place.site:
            return tensor
        changed = tensor.clone()
        place.select(changed).copy_(change(place.select(tensor)))
        return changed

    return tap


@dataclass(frozen=True)
class InterventionSpec:
    """Names of places, or patterns of them; at all tokens, or at the one at `position`, from the end if it is
    negative."""

    zero: Sequence[str] = ()  # nothing flows by
    mean: Sequence[str] = ()  # the mean over held-out text flows by
    patch: Sequence[str] = ()  # what another text had there flows by, token for token
    position: int | None = None


@dataclass(frozen=True)
class ResolvedInterventions:
    """The places themselves, none twice, and the position from the beginning."""

    zero: tuple[Target, ...]
    mean: tuple[Target, ...]
    patch: tuple[Target, ...]
    position: int | None

    @property
    def descriptions(self) -> tuple[str, ...]:
        """What is done where, as ``zero blocks.0.attention.head.2``."""
        kinds = {"zero": self.zero, "mean": self.mean, "patch": self.patch}
        return tuple(f"{kind} {place.name}" for kind, places in kinds.items() for place in places)


def resolve(
    changes: InterventionSpec, model: Transformer, passage: Passage, context_length: int
) -> ResolvedInterventions:
    """The places that are meant, for a passage that is read in windows of `context_length` tokens.

    Raises:
        OctavoError: there is nothing to change, no such place or position, or a place is to be changed twice.
    """
    position = _position(changes.position, passage, context_length)

    def places(names: Sequence[str]) -> tuple[Target, ...]:
        return tuple(replace(place, position=position) for name in names for place in parse_targets(name, model))

    chosen = ResolvedInterventions(places(changes.zero), places(changes.mean), places(changes.patch), position)
    names = [place.name for place in (*chosen.zero, *chosen.mean, *chosen.patch)]
    if not names:
        raise OctavoError("there is nothing to change: name a place to zero, to set to its mean or to patch")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise OctavoError(f"{twice} is to be changed twice: name it once")
    return chosen


def _position(position: int | None, passage: Passage, context_length: int) -> int | None:
    """From the beginning, whichever way it was counted."""
    if position is None:
        return None
    tokens = len(passage.ids)
    if tokens > context_length:
        raise OctavoError(
            f"a position is one within a window of {context_length} tokens, but the text has {tokens}: shorten it"
        )
    if not -tokens <= position < tokens:
        raise OctavoError(
            f"position {position} is out of range: the text's are 0 to {tokens - 1}, or -1 for the last"
        )
    return position % tokens
