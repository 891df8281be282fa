"""Changes: what is to be done where inside a model, as a person asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from octavo.errors import OctavoError
from octavo.interpret.interventions import Place, parse_places
from octavo.interpret.passage import Passage
from octavo.model import Transformer


@dataclass(frozen=True)
class Changes:
    """Names of places, or patterns of them; at all tokens, or at the one at `position`, from the end if it is
    negative."""

    zero: Sequence[str] = ()  # nothing flows by
    mean: Sequence[str] = ()  # the mean over held-out text flows by
    patch: Sequence[str] = ()  # what another text had there flows by, token for token
    position: int | None = None


@dataclass(frozen=True)
class Chosen:
    """The places themselves, none twice, and the position from the beginning."""

    zero: tuple[Place, ...]
    mean: tuple[Place, ...]
    patch: tuple[Place, ...]
    position: int | None

    @property
    def named(self) -> tuple[str, ...]:
        """What is done where, as ``zero blocks.0.attention.head.2``."""
        kinds = {"zero": self.zero, "mean": self.mean, "patch": self.patch}
        return tuple(f"{kind} {place.name}" for kind, places in kinds.items() for place in places)


def choose(changes: Changes, model: Transformer, passage: Passage, context_length: int) -> Chosen:
    """The places that are meant, for a passage that is read in windows of `context_length` tokens.

    Raises:
        OctavoError: there is nothing to change, no such place or position, or a place is to be changed twice.
    """
    position = _position(changes.position, passage, context_length)

    def places(names: Sequence[str]) -> tuple[Place, ...]:
        return tuple(replace(place, position=position) for name in names for place in parse_places(name, model))

    chosen = Chosen(places(changes.zero), places(changes.mean), places(changes.patch), position)
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
