"""Recording: what flowed through a model at the sites that somebody wants to see.

The mean of what flows by a site over a text: what is there on average, whatever the text at hand.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt
import torch

from octavo.errors import OctavoError
from octavo.evaluate.scoring import scoring_batches
from octavo.model import Transformer
from octavo.model.taps import Tap, tapped

ActivationCache = dict[str, torch.Tensor]


def matches(pattern: str, name: str) -> bool:
    """Whether a name is meant by a pattern: ``*``, ``?`` and ``[02]`` as in file names, within one part between dots,
    so that ``blocks.*.output`` is the output of every block and not that of its parts."""
    wanted, parts = pattern.split("."), name.split(".")
    return len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted))


def record_tap(kept: ActivationCache, *sites: str) -> Tap:
    """A tap that puts what flows by `sites`, names or patterns of them, into `kept`."""

    def run_with_cache(site: str, tensor: torch.Tensor) -> torch.Tensor:
        if any(matches(wanted, site) for wanted in sites):
            kept[site] = tensor.clone()
        return tensor

    return run_with_cache


@torch.inference_mode()
def run_with_cache(
    model: Transformer, input_ids: torch.Tensor, *sites: str, tap: Tap | None = None
) -> ActivationCache:
    """What flows by `sites` when the model reads `input_ids` (B, T), after `tap`, if there is one, has changed it."""
    kept: ActivationCache = {}
    model(input_ids, tap=compose(tap, record_tap(kept, *sites)))
    return kept


def compose(*taps: Tap | None) -> Tap:
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


_AS_LONG_AS_THE_TEXT = (".scores", ".pattern")


@torch.inference_mode()
def mean_activations(
    model: Transformer,
    documents: Sequence[npt.NDArray[np.integer]],
    *sites: str,
    bos_id: int | None,
    context_length: int,
) -> ActivationCache:
    """The mean at each of `sites` over every token that predicts one of the documents (ids without start token), in
    the windows of the score; shaped as the site's tensor, with 1 for B and T.

    Raises:
        OctavoError: a site has no mean, or the documents predict nothing.
    """
    for site in sites:
        if site.endswith(_AS_LONG_AS_THE_TEXT):
            raise OctavoError(
                f"{site} has no mean, since it is as long as the text: take what a head read, "
                "as in blocks.0.attention.head.0"
            )
    kept: ActivationCache = {}
    totals, tokens = {site: torch.zeros(()).double() for site in sites}, 0
    for batch in scoring_batches(
        model,
        documents,
        bos_id=bos_id,
        context_length=context_length,
        tap=record_tap(kept, *sites),
    ):
        tokens += sum(place.stop - place.start for place in batch.tokens)
        for site in sites:
            for row, window in enumerate(batch.windows):
                totals[site] = totals[site] + kept[site][row, ..., window.scored_positions, :].double().sum(
                    -2, keepdim=True
                )
    if not tokens:
        raise OctavoError("the held-out text is too short for a mean: train the run on a longer text")
    return {site: (total / tokens).float().unsqueeze(0) for site, total in totals.items()}
