"""Token ids on disk, windows of them, and the order in which training visits the windows."""

from octavo.data.batch_order import Batch, BatchOrder
from octavo.data.prepare import TokenizedSplits, prepare
from octavo.data.token_files import (
    SPLIT_NAMES,
    Ids,
    TokenSplit,
    check_ids,
    documents,
    id_chunks,
    open_splits,
    save_splits,
)
from octavo.data.windows import EpochWindows, Windows

__all__ = [
    "SPLIT_NAMES",
    "Batch",
    "BatchOrder",
    "EpochWindows",
    "Ids",
    "TokenSplit",
    "TokenizedSplits",
    "Windows",
    "check_ids",
    "documents",
    "id_chunks",
    "open_splits",
    "prepare",
    "save_splits",
]
