"""The model: positions, norms, attention and feed-forward layers, assembled to a Transformer by its config."""

from octavo.model.dropout import DropoutFn, DropoutMasks, no_dropout
from octavo.model.kv_cache import KeyValueCache
from octavo.model.taps import Tap
from octavo.model.transformer import Transformer

__all__ = ["DropoutFn", "DropoutMasks", "KeyValueCache", "Tap", "Transformer", "no_dropout"]
