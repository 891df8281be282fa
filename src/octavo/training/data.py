"""Lay out what training reads: the windows to train on, their order, and the windows to validate on."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.config import Config
from octavo.data.batch_order import BatchOrder
from octavo.data.token_files import Ids, documents
from octavo.data.windows import EpochWindows, Windows
from octavo.system.progress import ProgressCallback
from octavo.tokenizer import BPEDropout, ByteBPE, Tokenizer
from octavo.training.validation import spread_indices

# BPE-dropout helps if the same tokens are read in many epochs; a text as long as this is not.
MAX_DROPOUT_TOKENS = 4_000_000
_HELD_OUT_FRACTION = 0.05  # of the training split, to select weights or to fit the temperature on
_MAX_CALIBRATION_TOKENS = 8192  # enough for one number
MIN_CALIBRATION_TOKENS = 256  # of which half or more count, with at least half a context before them


@dataclass(frozen=True)
class TrainingData:
    """The windows to train on, and those to validate on, which come from the split named `split`.

    `full_validation` has all windows of the validation split, even if training validates on the early-stopping split
    (``train-slice``), the end of the training split.
    """

    windows: EpochWindows
    order: BatchOrder
    validation: Windows
    validation_indices: npt.NDArray[np.int64]
    train_indices: npt.NDArray[np.int64]  # as many windows of the training split, to compare with
    full_validation: Windows
    split: str
    tokens_per_character: float  # of the training split, without BPE-dropout
    validation_tokens_per_character: float
    calibration: Windows | None = None  # of the end of the training split, to fit the temperature on


class TokenCount(NamedTuple):
    """The token ids of a split, and how many characters (with scored ends of documents) they stand for."""

    ids: Ids
    characters: int

    @property
    def tokens_per_character(self) -> float:
        """Return the factor that turns nats per token into nats per character."""
        return len(self.ids) / self.characters


def training_data(
    config: Config,
    train: TokenCount,
    validation: TokenCount,
    tokenizer: Tokenizer,
    validation_windows: int | None = None,
) -> TrainingData:
    """Lay out the windows and batches of a run.

    Early stopping selects weights on the end of the training split, which is then not trained on, unless the config
    allows it to select on the validation split. Calibration fits the temperature there.

    Args:
        config: the run's config.
        train: the training split.
        validation: the validation split.
        tokenizer: the run's tokenizer.
        validation_windows: how many windows to validate on (None: as many as the config says; 0: all).
    """
    context, stride = config.data.context_length, config.data.window_stride
    split, bos_id = "validation", tokenizer.bos_id
    (train_ids, _), (validation_ids, _) = train, validation
    ratios = (train.tokens_per_character, validation.tokens_per_character)
    full_validation = _validation_windows(validation_ids, context, stride, bos_id)
    calibration = None
    if n_held_out := held_out_tokens(config, len(train_ids)):
        border = _character_border(train_ids, len(train_ids) - n_held_out, tokenizer)
        train_ids, held_out_ids = train_ids[:border], train_ids[border:]
        if config.train.calibrate:
            calibration = _validation_windows(held_out_ids, context, max(1, context // 2), bos_id)
        else:
            validation_ids, split, ratios = held_out_ids, "train-slice", (ratios[0], ratios[0])
    phases = min(stride, max(1, len(train_ids) - context)) if config.data.shift else 1  # a short text allows fewer
    dropout = None
    if isinstance(tokenizer, ByteBPE) and bpe_dropout_until(config, len(train_ids)):
        dropout = partial(_bpe_dropout, tokenizer, train_ids, config)
    windows = EpochWindows(Windows(train_ids, context, stride, bos_id=bos_id, phases=phases), dropout)
    windows_to_validate = _validation_windows(validation_ids, context, stride, bos_id)
    order = BatchOrder(
        config.train.seed, len(windows), config.data.batch_size, phases, partial=config.data.last_batch == "partial"
    )
    count = config.train.validation_windows if validation_windows is None else validation_windows
    indices = spread_indices(windows_to_validate, count)
    train_indices = spread_indices(windows.base, len(indices))
    return TrainingData(
        *(windows, order, windows_to_validate, indices, train_indices, full_validation, split, *ratios, calibration)
    )


def _validation_windows(ids: Ids, context: int, stride: int, bos_id: int | None) -> Windows:
    """Return windows that are not trained on; a text shorter than the context makes one short window."""
    return Windows(ids, min(context, len(ids) - 1), stride, bos_id=bos_id)


def bpe_dropout_until(config: Config, tokens: int) -> float:
    """Return the fraction of the budget until which BPE-dropout is used for a training split of `tokens`."""
    uses_dropout = config.tokenizer.kind == "bpe" and config.tokenizer.dropout and tokens <= MAX_DROPOUT_TOKENS
    return config.tokenizer.dropout_until if uses_dropout else 0.0


def _bpe_dropout(tokenizer: ByteBPE, ids: Ids, config: Config, watch: ProgressCallback) -> BPEDropout:
    texts = documents(ids, tokenizer.bos_id)
    return BPEDropout(tokenizer, texts, config.tokenizer.dropout, config.train.seed, watch)


def _character_border(ids: Ids, border: int, tokenizer: Tokenizer) -> int:
    """Return `border`, or the nearest position before it that does not split a character."""
    table = tokenizer.token_bytes()
    while border > 1 and table[ids[border]][:1] and table[ids[border]][0] & 0xC0 == 0x80:
        border -= 1
    return border


def held_out_tokens(config: Config, tokens: int) -> int:
    """Return how many of the training split's `tokens`, at its end, are not trained on.

    They are the early-stopping split, or the text that the temperature is fitted on.
    """
    train = config.train
    if not train.calibrate and not (train.patience and train.select_on == "train-slice"):
        return 0
    held_out = max(2, int(tokens * _HELD_OUT_FRACTION))
    return min(held_out, _MAX_CALIBRATION_TOKENS) if train.calibrate else held_out
