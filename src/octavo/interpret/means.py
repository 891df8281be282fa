"""The mean of what flows by a site over a text: what is there on average, whatever the text at hand."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from octavo.errors import OctavoError
from octavo.evaluate.scoring import batches
from octavo.interpret.recording import Recorded, recorder
from octavo.model import Transformer

_AS_LONG_AS_THE_TEXT = (".scores", ".pattern")


@torch.inference_mode()
def mean_activations(
    model: Transformer,
    documents: Sequence[npt.NDArray[np.integer]],
    *sites: str,
    start_id: int | None,
    context_length: int,
) -> Recorded:
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
    kept: Recorded = {}
    totals, tokens = {site: torch.zeros(()).double() for site in sites}, 0
    for batch in batches(
        model,
        documents,
        start_id=start_id,
        context_length=context_length,
        stride=max(1, context_length // 2),
        tap=recorder(kept, *sites),
    ):
        tokens += sum(place.stop - place.start for place in batch.tokens)
        for site in sites:
            for row, window in enumerate(batch.windows):
                totals[site] = totals[site] + kept[site][row, ..., window.counted, :].double().sum(-2, keepdim=True)
    if not tokens:
        raise OctavoError("the held-out text is too short for a mean: train the run on a longer text")
    return {site: (total / tokens).float().unsqueeze(0) for site, total in totals.items()}
