"""Token ids on disk, windows of them, and the order in which training sees them."""

from octavo.data.batch_order import Batch, BatchOrder
from octavo.data.prepare import Prepared, prepare
from octavo.data.token_files import (
    NAMES,
    Ids,
    PartFacts,
    TokenPart,
    blocks,
    check_ids,
    documents,
    open_parts,
    save_parts,
)
from octavo.data.windows import EpochWindows, Windows

__all__ = [
    "NAMES",
    "Batch",
    "BatchOrder",
    "EpochWindows",
    "Ids",
    "PartFacts",
    "Prepared",
    "TokenPart",
    "Windows",
    "blocks",
    "check_ids",
    "documents",
    "open_parts",
    "prepare",
    "save_parts",
]
