"""Token ids on disk, windows of them, and the order in which training sees them."""

from octavo.data.blocks import blocks
from octavo.data.epochs import EpochWindows
from octavo.data.order import Batch, BatchOrder
from octavo.data.parts import NAMES, Ids, PartFacts, TokenPart, check_ids, documents, open_parts, save_parts
from octavo.data.prepare import Prepared, prepare
from octavo.data.windows import Windows

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
