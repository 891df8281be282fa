"""Interventions: change activations at chosen sites of a model, and measure what its predictions do.

An activation can only be said to matter for a prediction if changing it changes the prediction. Each intervention
here replaces the activations of a *target* while the model runs and leaves the rest of the computation to the model:

* **Zero ablation** replaces them by zero. It asks whether the model needs the target at all. Zero may be a value that
  the model never sees, so a large effect can also come from an activation that is only unusual.
* **Mean ablation** replaces them by their mean over other text. This removes the information that the target carries
  about this text and keeps its average, so the later layers still receive a usual value.
* **Activation patching** replaces them by the activations of another run (Vig et al., 2020; Meng et al., 2022). It
  needs two texts of the same number of tokens that differ in one respect, for example "the king is" and "the queens
  are": the *corrupted* run reads one, the *clean* run reads the other. If patching a target from the clean run into
  the corrupted run moves the prediction to that of the clean run, the target carries the difference.

Intuition: ablation asks what breaks without a part, patching asks where the difference between two texts is stored.
Ablation of one of two parts that do the same has little effect, because the other part compensates.

A target is a site of :mod:`octavo.model.taps` such as ``blocks.0.output``, one attention head such as
``blocks.0.attention.head.2``, or one unit of a feed-forward layer such as ``blocks.1.feedforward.unit.37``; at all
positions of a text or at one. An intervention is a tap, so nothing has to be undone afterwards.

Example:
    >>> tap = zero_ablate(parse_target("blocks.0.attention.head.2", model))  # doctest: +SKIP
    >>> logits = model(input_ids, tap=tap)  # doctest: +SKIP
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
    """A part of a site's tensor: `index` of its `axis`, counted from the end, or all; at one position, or at all."""

    name: str
    site: str
    axis: int = 0
    index: int | None = None
    position: int | None = None

    def select(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the target's part of the site's tensor as a view. The last axis but one of every site is T."""
        if self.position is not None:
            tensor = tensor.narrow(-2, self.position, 1)
        return tensor if self.index is None else tensor.select(self.axis, self.index)


def targets_of(model: Transformer) -> dict[str, Target]:
    """Return all targets of a model by name: sites in the order of the forward pass, then heads, then units."""
    config = model.config
    targets = {site: Target(site, site) for site in sites_of(model)}
    for part, site, axis, size in (
        ("attention.head", "attention.heads", -3, config.n_heads),
        ("feedforward.unit", "feedforward.hidden", -1, config.d_ff),
    ):
        for layer in range(config.n_layers):
            names = {f"blocks.{layer}.{part}.{index}": index for index in range(size)}
            targets |= {name: Target(name, f"blocks.{layer}.{site}", axis, index) for name, index in names.items()}
    return targets


def parse_targets(name: str, model: Transformer) -> tuple[Target, ...]:
    """Return the targets of a name or of a pattern such as ``blocks.*.attention.head.0``.

    Raises:
        OctavoError: the model has no such target.
    """
    found = tuple(target for known, target in targets_of(model).items() if matches(name, known))
    if found:
        return found
    config, near = model.config, nearest(name, targets_of(model), cutoff=0.8)
    meant = f"did you mean {near}? " if near else ""
    last = config.n_heads - 1
    raise OctavoError(
        f"there is no site {name!r} in this model: {meant}blocks are 0 to {config.n_layers - 1}, their heads 0 to "
        f"{last} and units 0 to {config.d_ff - 1}, as in blocks.0.attention.head.{last} or blocks.0.output"
    )


def parse_target(name: str, model: Transformer) -> Target:
    """Return the target of a name.

    Raises:
        OctavoError: the model has no such target, or the name is a pattern of several.
    """
    first, *others = parse_targets(name, model)
    if others:
        raise OctavoError(f"{name!r} is a pattern of {len(others) + 1} sites: give one, such as {first.name}")
    return first


def zero_ablate(target: Target) -> Tap:
    """Return a tap that sets a target to zero; masked attention scores stay masked, so the others become equal."""
    return _changed(target, lambda old: torch.zeros_like(old).masked_fill_(old.isneginf(), -torch.inf))


def replace_with(target: Target, values: torch.Tensor) -> Tap:
    """Return a tap that sets a target to `values`, broadcast to its shape: a mean, or activations of another run."""
    return _changed(target, lambda old: values)


def patch_from(target: Target, cache: ActivationCache) -> Tap:
    """Return a tap that sets a target to its activations in another run of the same shape.

    Args:
        target: the target.
        cache: the activations of that run. It is read when the model runs, so it may be refilled before each batch.
    """
    return _changed(target, lambda old: target.select(cache[target.site]))


def attend_to_first(layer: int, head: int) -> Tap:
    """Return a tap by which a head attends only to the first token, from every query."""
    target = Target(f"blocks.{layer}.attention.head.{head}", f"blocks.{layer}.attention.pattern", -3, head)

    def first(pattern: torch.Tensor) -> torch.Tensor:
        only = torch.zeros_like(pattern)
        only[..., 0] = 1.0
        return only

    return _changed(target, first)


def _changed(target: Target, change: Callable[[torch.Tensor], torch.Tensor]) -> Tap:
    def tap(site: str, tensor: torch.Tensor) -> torch.Tensor:
        if site != target.site:
            return tensor
        changed = tensor.clone()
        target.select(changed).copy_(change(target.select(tensor)))
        return changed

    return tap


@dataclass(frozen=True)
class InterventionSpec:
    """Names of sites, heads or units, or patterns of them, by intervention; at one position or at all.

    A negative `position` counts from the end.
    """

    zero: Sequence[str] = ()  # zero ablation
    mean: Sequence[str] = ()  # mean ablation, over validation text
    patch: Sequence[str] = ()  # activation patching from another text, token by token
    position: int | None = None


@dataclass(frozen=True)
class ResolvedInterventions:
    """The targets of a specification, none twice, and the position counted from the beginning."""

    zero: tuple[Target, ...]
    mean: tuple[Target, ...]
    patch: tuple[Target, ...]
    position: int | None

    @property
    def descriptions(self) -> tuple[str, ...]:
        """Return kind and target of each intervention, as ``zero blocks.0.attention.head.2``."""
        kinds = {"zero": self.zero, "mean": self.mean, "patch": self.patch}
        return tuple(f"{kind} {target.name}" for kind, targets in kinds.items() for target in targets)


def resolve(
    spec: InterventionSpec, model: Transformer, passage: Passage, context_length: int
) -> ResolvedInterventions:
    """Return the targets of a specification, for a passage that is read in windows of `context_length` tokens.

    Raises:
        OctavoError: no site is given, there is no such site or position, or a site is given twice.
    """
    position = _position(spec.position, passage, context_length)

    def targets(names: Sequence[str]) -> tuple[Target, ...]:
        return tuple(replace(target, position=position) for name in names for target in parse_targets(name, model))

    chosen = ResolvedInterventions(targets(spec.zero), targets(spec.mean), targets(spec.patch), position)
    names = [target.name for target in (*chosen.zero, *chosen.mean, *chosen.patch)]
    if not names:
        raise OctavoError("no intervention is given: name a site for zero, mean or patch")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise OctavoError(f"{twice} is given twice: name it once")
    return chosen


def _position(position: int | None, passage: Passage, context_length: int) -> int | None:
    """Return the position counted from the beginning."""
    if position is None:
        return None
    tokens = len(passage.ids)
    if tokens > context_length:
        raise OctavoError(
            f"a position needs a text of at most {context_length} tokens, but this one has {tokens}: shorten the text"
        )
    if not -tokens <= position < tokens:
        raise OctavoError(f"position {position} is out of range: give 0 to {tokens - 1}, or -1 for the last token")
    return position % tokens
