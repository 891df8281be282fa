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
MIN_CALIBRATION_BLOCKS = 2


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
    calibration: Windows | None = None  # of the training split, not trained on, to fit the temperature on


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
    allows it to select on the validation split. Calibration fits the temperature on blocks spread over the training
    split: its end may hold what the validation split goes on with, such as the names of a play.

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
    if blocks := calibration_blocks(config, len(train_ids)):
        train_ids, block_ids = _without_blocks(train_ids, blocks, context + 1, tokenizer)
        calibration = Windows(block_ids, context, context + 1, bos_id=bos_id)
    elif n_held_out := held_out_tokens(config, len(train_ids)):
        border = _character_border(train_ids, len(train_ids) - n_held_out, tokenizer)
        train_ids, validation_ids, split = train_ids[:border], train_ids[border:], "train-slice"
        ratios = (ratios[0], ratios[0])
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
    while border > 1 and _continues_character(ids, border, tokenizer):
        border -= 1
    return border


def _continues_character(ids: Ids, position: int, tokenizer: Tokenizer) -> bool:
    """Return whether the token at `position` begins within a character, which the token before began."""
    token = tokenizer.token_bytes()[ids[position]]
    return bool(token) and token[0] & 0xC0 == 0x80


def _without_blocks(ids: Ids, blocks: int, length: int, tokenizer: Tokenizer) -> tuple[Ids, Ids]:
    """Take blocks of `length` tokens, evenly spread, out of `ids`; return the rest and the blocks, each joined."""
    kept, taken, begin = [], [], 0
    for center in np.linspace(0, len(ids), 2 * blocks + 1)[1::2]:
        start = _character_border(ids, int(center) - length // 2, tokenizer)
        end = start + length
        while end < len(ids) and _continues_character(ids, end, tokenizer):
            end += 1
        kept.append(ids[begin:start])
        taken.append(ids[start : start + length])
        begin = end
    return np.concatenate([*kept, ids[begin:]]), np.concatenate(taken)


def calibration_blocks(config: Config, tokens: int) -> int:
    """Return how many blocks of a context and one token the temperature is fitted on, of a split of `tokens`."""
    if not config.train.calibrate:
        return 0
    return min(int(tokens * _HELD_OUT_FRACTION), _MAX_CALIBRATION_TOKENS) // (config.data.context_length + 1)


def held_out_tokens(config: Config, tokens: int) -> int:
    """Return how many of the training split's `tokens` are not trained on.

    They are the early-stopping split, or the blocks that the temperature is fitted on.
    """
    train = config.train
    if train.patience and train.select_on == "train-slice":
        return max(2, int(tokens * _HELD_OUT_FRACTION))
    return calibration_blocks(config, tokens) * (config.data.context_length + 1)
