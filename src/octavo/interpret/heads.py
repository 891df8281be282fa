"""Measure the table of all heads of a model over windows of a text."""

import math

import numpy as np
import numpy.typing as npt
import torch

from octavo.config.inference import HEAD_WINDOWS
from octavo.data.token_files import Ids
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

_RANDOM_SEQUENCES = 32
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
    """Measure the attention of each head and the cost of its ablation.

    Args:
        model: the model.
        tokenizer: its tokenizer.
        documents: the text.
        text: the name of the text, for people.
        context_length: tokens of a window.
        windows: number of windows, spread evenly over the text; at most as many as it fills. Intervals need more than
            one window.
        watch: is called with the fraction that is done.

    Raises:
        OctavoError: the text has fewer than three tokens.
    """
    excerpts = sample_windows(tokenizer, documents, context_length, windows)
    stats = attention_stats(model, excerpts.inputs, lambda rows: target_masks(excerpts, rows))
    random = repeated_tokens(excerpts, tokenizer.bos_id)
    random_stats = attention_stats(
        model, random, lambda rows: repeated_targets(random[rows].numpy(), tokenizer.bos_id)
    )
    window_losses, costs = ablation_costs(model, excerpts, watch)

    def in_bits(nats: npt.NDArray[np.float64]) -> list[Estimate]:
        """Convert nats of windows (rows, W) to bits per character, with intervals."""
        estimates = ratio_estimates(nats / math.log(2), np.broadcast_to(excerpts.characters, nats.shape))
        return [estimate for estimate in estimates if estimate]  # every window has characters

    def head(layer: int, number: int) -> Head:
        fractions = zip(TARGET_KINDS, stats.target_fractions(layer, number), strict=True)
        distance, entropy, relative_entropy, distance_from_uniform = stats.spread(layer, number)
        return Head(
            layer,
            number,
            {kind.name: fraction for kind, fraction in fractions if fraction},
            random_stats.target_fractions(layer, number)[0],
            distance,
            entropy,
            relative_entropy,
            distance_from_uniform,
            dict(zip(ABLATIONS, in_bits(costs[layer, number]), strict=True)),
        )

    length = excerpts.inputs.shape[1]
    return HeadTable(
        heads=tuple(head(layer, n) for layer in range(model.config.n_layers) for n in range(model.config.n_heads)),
        text=text,
        windows=len(excerpts),
        window_tokens=length,
        characters=float(excerpts.characters.sum()),
        bits_per_character=in_bits(window_losses[None])[0],
        uniform_distance=float(mean_distance(uniform_pattern(length))[1:].mean()),
        uniform_entropy=float(uniform_entropy(length)[1:].mean()),
        lossless_tokenizer=tokenizer.lossless,
    )


def repeated_tokens(excerpts: SampledWindows, bos_id: int | None) -> torch.Tensor:
    """Return random tokens of the text, each sequence twice in a row, as long as a window, (sequences, T).

    The second half of a sequence can only be predicted from the first one (Olsson et al., 2022). The BOS token is
    first if there is one.
    """
    random = np.random.default_rng(_SEED)
    has_bos = bos_id is not None
    half = (excerpts.inputs.shape[1] - has_bos) // 2
    vocabulary = np.array(excerpts.vocabulary)
    drawn = [random.choice(vocabulary, half, replace=half > len(vocabulary)) for _ in range(_RANDOM_SEQUENCES)]
    once = np.stack(drawn)
    first = np.full((_RANDOM_SEQUENCES, int(has_bos)), -1 if bos_id is None else bos_id)
    return torch.from_numpy(np.concatenate([first, once, once], axis=1))


def repeated_targets(ids: Ids, bos_id: int | None) -> Flags:
    """Return the induction targets of the queries in the second half of :func:`repeated_tokens`, (B, 1, T, S)."""
    bos_mask = ids == (-1 if bos_id is None else bos_id)
    mask = induction_targets(ids, bos_mask)
    half = (ids.shape[1] - (bos_id is not None)) // 2
    mask[:, : ids.shape[1] - half] = False
    return mask[:, None]
