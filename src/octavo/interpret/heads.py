"""Reading heads: the table of all heads of a model over windows of a text."""

import math

import numpy as np
import numpy.typing as npt
import torch

from octavo.config.inference import HEAD_WINDOWS
from octavo.data import Ids
from octavo.evaluate.documents import Documents
from octavo.interpret.attention_stats import attention_stats, mean_distance, uniform_entropy, uniform_pattern
from octavo.interpret.attention_targets import TARGET_KINDS, induction_targets, target_masks
from octavo.interpret.excerpts import SampledWindows, sample_windows
from octavo.interpret.head_ablation import ABLATIONS, ablation_costs
from octavo.interpret.head_table import Head, HeadTable
from octavo.interpret.token_features import Flags
from octavo.model import Transformer
from octavo.system.progress import ProgressCallback, no_progress
from octavo.system.statistics import Estimate, ratio_estimates
from octavo.tokenizer import Tokenizer

_SEQUENCES = 32  # of random tokens
_SEED = 0


def measure_heads(
    model: Transformer,
    tokenizer: Tokenizer,
    documents: Documents,
    *,
    text: str,
    context_length: int,
    windows: int = HEAD_WINDOWS,
    watch: ProgressCallback = no_progress,
) -> HeadTable:
    """The table of all heads, over `windows` windows spread evenly over the documents of the text named `text`.

    A text that fills fewer windows is read in fewer; of one window alone there are no intervals, so that no head
    earns a name. `watch` is told the share that is done.

    Raises:
        OctavoError: the text has hardly a token.
    """
    excerpts = sample_windows(tokenizer, documents, context_length, windows)
    looked = attention_stats(model, excerpts.inputs, lambda rows: target_masks(excerpts, rows))
    random = repeated_tokens(excerpts, tokenizer.bos_id)
    repeated = attention_stats(model, random, lambda rows: repeated_targets(random[rows].numpy(), tokenizer.bos_id))
    usual, costs = ablation_costs(model, excerpts, watch)

    def in_bits(nats: npt.NDArray[np.float64]) -> list[Estimate]:
        """A character, of nats (rows, W)."""
        found = ratio_estimates(nats / math.log(2), np.broadcast_to(excerpts.characters, nats.shape))
        return [estimate for estimate in found if estimate]  # every window has characters

    def head(layer: int, number: int) -> Head:
        shares = zip(TARGET_KINDS, looked.target_fractions(layer, number), strict=True)
        distance, entropy, relative_entropy, from_even = looked.spread(layer, number)
        return Head(
            layer,
            number,
            {kind.name: share for kind, share in shares if share},
            repeated.target_fractions(layer, number)[0],
            distance,
            entropy,
            relative_entropy,
            from_even,
            dict(zip(ABLATIONS, in_bits(costs[layer, number]), strict=True)),
        )

    length = excerpts.inputs.shape[1]
    return HeadTable(
        heads=tuple(head(layer, n) for layer in range(model.config.n_layers) for n in range(model.config.n_heads)),
        text=text,
        windows=len(excerpts),
        window_tokens=length,
        characters=float(excerpts.characters.sum()),
        bits_per_character=in_bits(usual[None])[0],
        uniform_distance=float(mean_distance(uniform_pattern(length))[1:].mean()),
        uniform_entropy=float(uniform_entropy(length)[1:].mean()),
        lossless_tokenizer=tokenizer.lossless,
    )


def repeated_tokens(excerpts: SampledWindows, bos_id: int | None) -> torch.Tensor:
    """Random tokens of the text's vocabulary, each sequence twice in a row, after the start token if there is one:
    what comes again can only be known from before (Olsson et al., 2022). As long as a window, (sequences, T)."""
    random = np.random.default_rng(_SEED)
    begun = bos_id is not None
    half = (excerpts.inputs.shape[1] - begun) // 2
    vocabulary = np.array(excerpts.vocabulary)
    drawn = [random.choice(vocabulary, half, replace=half > len(vocabulary)) for _ in range(_SEQUENCES)]
    once = np.stack(drawn)
    first = np.full((_SEQUENCES, int(begun)), -1 if bos_id is None else bos_id)
    return torch.from_numpy(np.concatenate([first, once, once], axis=1))


def repeated_targets(ids: Ids, bos_id: int | None) -> Flags:
    """(B, 1, T, S): the keys of induction, for the queries of the second time."""
    starts = ids == (-1 if bos_id is None else bos_id)
    found = induction_targets(ids, starts)
    half = (ids.shape[1] - (bos_id is not None)) // 2
    found[:, : ids.shape[1] - half] = False
    return found[:, None]
