"""Keys and values of the tokens already read, so that decoding computes each token once.

B batch, H key/value heads, S key position, K d_head.
"""

import torch

from octavo.config import ModelConfig


class KeyValueCache:
    """Preallocated room for `capacity` positions of every layer; an argument of the forward pass.

    The forward pass extends each layer and then calls :meth:`advance`; nobody else changes it.
    """

    def __init__(
        self,
        config: ModelConfig,
        batch: int,
        capacity: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> None:
        shape = (config.n_layers, 2, batch, config.key_value_heads, capacity, config.head_width)
        self._room = torch.empty(shape, dtype=dtype, device=device)
        self.capacity = capacity
        self.length = 0  # positions held

    def layer(self, index: int) -> "LayerCache":
        """The part of one block's attention."""
        return LayerCache(self._room[index], self.length)

    def advance(self, positions: int) -> None:
        """Count the positions that every layer has just been extended by."""
        self.length += positions


class LayerCache:
    """One layer's keys and values during one forward pass."""

    def __init__(self, room: torch.Tensor, length: int) -> None:
        self._room, self._length = room, length

    def extend(self, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Append k and v (B, H, T, K); return all of them (B, H, S, K), the new ones last.

        Raises:
            ValueError: there is no room for them.
        """
        end = self._length + k.shape[-2]
        if end > self._room.shape[-2]:
            raise ValueError(f"the cache holds {self._room.shape[-2]} positions, not {end}")
        keys, values = self._room[0], self._room[1]
        keys[..., self._length : end, :] = k
        values[..., self._length : end, :] = v
        return keys[..., :end, :], values[..., :end, :]
