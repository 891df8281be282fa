"""What training reads: the windows to learn from, their order, and the windows that it looks at now and then."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from octavo.config import Config
from octavo.data import BatchOrder, EpochWindows, Ids, Windows, documents
from octavo.system.progress import ProgressCallback
from octavo.tokenizer import BPEDropout, ByteBPE, Tokenizer
from octavo.training.validation import spread_indices

# BPE-dropout is against seeing the same tokens many times; nobody goes through a text this long often.
MAX_DROPOUT_TOKENS = 4_000_000  # tokens
_SLICE = 0.05  # of the training part, set aside to select on when training may stop early


@dataclass(frozen=True)
class TrainingData:
    """The windows to learn from, and those looked at now and then, which come from `part`.

    `held_out` has all windows of the held-out part, also where training looks at a slice of the training part.
    """

    windows: EpochWindows
    order: BatchOrder
    validation: Windows
    validation_indices: npt.NDArray[np.int64]
    train_indices: npt.NDArray[np.int64]  # as many windows of the training part, looked at in the same way
    held_out: Windows
    part: str
    tokens_per_character: float  # of the training part, as it is cut for scoring
    validation_tokens_per_character: float


class TokenCount(NamedTuple):
    """Token ids and how many characters of text they stand for."""

    ids: Ids
    characters: int

    @property
    def tokens_per_character(self) -> float:
        """What turns nats per token into nats per character."""
        return len(self.ids) / self.characters


def training_data(
    config: Config,
    train: TokenCount,
    validation: TokenCount,
    tokenizer: Tokenizer,
    validation_windows: int | None = None,
) -> TrainingData:
    """Lay out windows and batches, with `validation_windows` to validate on (None: as many as the config says).

    Early stopping looks at the end of the training part, which is then not trained on, unless the config says that it
    may look at the held-out part.
    """
    context, stride = config.data.context_length, config.data.window_stride
    part, bos_id = "validation", tokenizer.bos_id
    (train_ids, _), (validation_ids, _) = train, validation
    ratios = (train.tokens_per_character, validation.tokens_per_character)
    held_out = _looked_at(validation_ids, context, stride, bos_id)
    if aside := early_stopping_tokens(config, len(train_ids)):
        border = _character_border(train_ids, len(train_ids) - aside, tokenizer)
        train_ids, validation_ids, part = train_ids[:border], train_ids[border:], "train-slice"
        ratios = (ratios[0], ratios[0])
    phases = min(stride, max(1, len(train_ids) - context)) if config.data.shift else 1  # a short text has fewer
    dropout = None
    if isinstance(tokenizer, ByteBPE) and bpe_dropout_until(config, len(train_ids)):
        dropout = partial(_bpe_dropout, tokenizer, train_ids, config)
    windows = EpochWindows(train_ids, context, stride, bos_id=bos_id, phases=phases, dropout=dropout)
    looked_at = _looked_at(validation_ids, context, stride, bos_id)
    order = BatchOrder(
        config.train.seed, len(windows), config.data.batch_size, phases, partial=config.data.last_batch == "partial"
    )
    count = config.train.validation_windows if validation_windows is None else validation_windows
    indices = spread_indices(looked_at, count)
    train_indices = spread_indices(windows.base, len(indices))
    return TrainingData(windows, order, looked_at, indices, train_indices, held_out, part, *ratios)


def _looked_at(ids: Ids, context: int, stride: int, bos_id: int | None) -> Windows:
    """Return the windows of a text that is not trained on; a short text makes one short window."""
    return Windows(ids, min(context, len(ids) - 1), stride, bos_id=bos_id)


def bpe_dropout_until(config: Config, tokens: int) -> float:
    """The share of the budget until which BPE-dropout cuts a training part of so many `tokens` anew; 0: never."""
    recuts = config.tokenizer.kind == "bpe" and config.tokenizer.dropout and tokens <= MAX_DROPOUT_TOKENS
    return config.tokenizer.dropout_until if recuts else 0.0


def _bpe_dropout(tokenizer: ByteBPE, ids: Ids, config: Config, watch: ProgressCallback) -> BPEDropout:
    texts = documents(ids, tokenizer.bos_id)
    return BPEDropout(tokenizer, texts, config.tokenizer.dropout, config.train.seed, watch)


def _character_border(ids: Ids, border: int, tokenizer: Tokenizer) -> int:
    """`border`, or the nearest place before it that no character reaches across."""
    table = tokenizer.token_bytes()
    while border > 1 and table[ids[border]][:1] and table[ids[border]][0] & 0xC0 == 0x80:
        border -= 1
    return border


def early_stopping_tokens(config: Config, tokens: int) -> int:
    """How many of the training part's `tokens`, at its end, are set aside to stop early by."""
    aside = config.train.patience and config.train.select_on == "train-slice"
    return max(2, int(tokens * _SLICE)) if aside else 0
