"""Key/value cache: the keys and values of earlier tokens, so that decoding computes each token once.

B batch, H key/value heads, T new position, S key position, K d_head.
"""

import torch

from octavo.config import ModelConfig


class KeyValueCache:
    """Keys and values of every layer, preallocated for `capacity` positions; an argument of the forward pass.

    The forward pass appends to each layer and then calls :meth:`advance`. No other code changes the cache.

    Example:
        >>> from octavo.model import Transformer
        >>> model = Transformer(ModelConfig(n_layers=1), vocab_size=7)
        >>> cache = KeyValueCache(model.config, batch=1, capacity=128)
        >>> logits = model(torch.tensor([[1, 2, 3]]), cache=cache)
        >>> model(torch.tensor([[4]]), cache=cache).shape, cache.length
        (torch.Size([1, 1, 7]), 4)
    """

    def __init__(self, config: ModelConfig, batch: int, capacity: int, dtype: torch.dtype = torch.float32) -> None:
        shape = (config.n_layers, 2, batch, config.key_value_heads, capacity, config.head_width)
        self._buffer = torch.empty(shape, dtype=dtype)
        self.capacity = capacity
        self.length = 0  # positions that the cache holds

    def layer(self, index: int) -> "LayerCache":
        """Return the cache of one layer."""
        return LayerCache(self._buffer[index], self.length)

    def advance(self, positions: int) -> None:
        """Count the positions that were just appended to every layer."""
        self.length += positions


class LayerCache:
    """Keys and values of one layer during one forward pass."""

    def __init__(self, buffer: torch.Tensor, length: int) -> None:
        self._buffer, self._length = buffer, length

    def append(self, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Append k and v (B, H, T, K); return all keys and values (B, H, S, K), the new ones last.

        Raises:
            ValueError: the capacity is exceeded.
        """
        end = self._length + k.shape[-2]
        if end > self._buffer.shape[-2]:
            raise ValueError(f"the cache holds {self._buffer.shape[-2]} positions, not {end}: give it more capacity")
        keys, values = self._buffer[0], self._buffer[1]
        keys[..., self._length : end, :] = k
        values[..., self._length : end, :] = v
        return keys[..., :end, :], values[..., :end, :]
