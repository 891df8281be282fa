"""Token ids on disk, windows of them, and the order in which training sees them."""

from octavo.data.batch_order import Batch, BatchOrder
from octavo.data.prepare import Prepared, prepare
from octavo.data.token_files import (
    NAMES,
    Ids,
    SplitFacts,
    TokenSplit,
    blocks,
    check_ids,
    documents,
    open_splits,
    save_splits,
)
from octavo.data.windows import EpochWindows, Windows

__all__ = [
    "NAMES",
    "Batch",
    "BatchOrder",
    "EpochWindows",
    "Ids",
    "Prepared",
    "SplitFacts",
    "TokenSplit",
    "Windows",
    "blocks",
    "check_ids",
    "documents",
    "open_splits",
    "prepare",
    "save_splits",
]
