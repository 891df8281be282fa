"""Record activations: the tensors at chosen sites of a model, or their mean over a text."""

from fnmatch import fnmatchcase

import torch

from octavo.errors import OctavoError
from octavo.evaluate.scoring import Scorer, TokenDocuments
from octavo.model import Transformer
from octavo.model.taps import Tap, tapped

ActivationCache = dict[str, torch.Tensor]


def matches(pattern: str, name: str) -> bool:
    """Return whether a name matches a pattern with ``*``, ``?`` and ``[02]`` as in file names.

    A wildcard matches within one part between dots: ``blocks.*.output`` is the output of each block, not of its
    sublayers.
    """
    wanted, parts = pattern.split("."), name.split(".")
    return len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted))


def record_tap(cache: ActivationCache, *sites: str) -> Tap:
    """Return a tap that copies the activations at `sites`, names or patterns of them, into `cache`."""

    def record(site: str, tensor: torch.Tensor) -> torch.Tensor:
        if any(matches(pattern, site) for pattern in sites):
            cache[site] = tensor.clone()
        return tensor

    return record


@torch.inference_mode()
def run_with_cache(
    model: Transformer, input_ids: torch.Tensor, *sites: str, tap: Tap | None = None
) -> ActivationCache:
    """Run the model on `input_ids` (B, T) and return the activations at `sites`.

    Args:
        model: the model.
        input_ids: token ids, (B, T).
        sites: names of sites of :mod:`octavo.model.taps`, or patterns of them.
        tap: a tap that changes the activations before they are recorded.

    Returns:
        Copies of the activations by the name of the site, with the shapes of :mod:`octavo.model.taps`.
    """
    cache: ActivationCache = {}
    model(input_ids, tap=compose(tap, record_tap(cache, *sites)))
    return cache


def compose(*taps: Tap | None) -> Tap:
    """Return a tap that applies the taps one after the other; None is skipped."""

    def composed(site: str, tensor: torch.Tensor) -> torch.Tensor:
        for tap in taps:
            tensor = tapped(tap, site, tensor)
        return tensor

    return composed


def sites_of(model: Transformer) -> tuple[str, ...]:
    """Return the names of all sites of a model, in the order of the forward pass."""
    found: list[str] = []

    def add_name(site: str, tensor: torch.Tensor) -> torch.Tensor:
        found.append(site)
        return tensor

    with torch.inference_mode():
        model(torch.zeros(1, 1, dtype=torch.int64), tap=add_name)
    return tuple(found)


_TEXT_LENGTH_SITES = (".scores", ".pattern")  # their shape depends on the length of the text


@torch.inference_mode()
def mean_activations(scorer: Scorer, documents: TokenDocuments, *sites: str) -> ActivationCache:
    """Return the mean activation at each site over the tokens of documents, in the windows of the score.

    Args:
        scorer: the model and its windows.
        documents: token ids without BOS token.
        sites: names of sites.

    Returns:
        For each site a tensor of its shape, with 1 for B and T.

    Raises:
        OctavoError: the shape of a site depends on the length of the text, or no token is predicted.
    """
    for site in sites:
        if site.endswith(_TEXT_LENGTH_SITES):
            raise OctavoError(
                f"{site} has no mean, because its shape depends on the length of the text: use a head's output, such "
                "as blocks.0.attention.head.0"
            )
    cache: ActivationCache = {}
    totals, tokens = {site: torch.zeros(()).double() for site in sites}, 0
    for batch in scorer.batches(documents, tap=record_tap(cache, *sites)):
        tokens += batch.n_scored
        for site in sites:
            for row, window in enumerate(batch.windows):
                scored = cache[site][row, ..., window.scored_positions, :].double()
                totals[site] = totals[site] + scored.sum(-2, keepdim=True)
    if not tokens:
        raise OctavoError("the validation split is too short for a mean: train the run on a longer text")
    return {site: (total / tokens).float().unsqueeze(0) for site, total in totals.items()}
