"""A plain PyTorch training loop, the reference that Octavo's training step is compared with.

It has the course report's model in PyTorch's own parts and trains it as most tutorials do: a data set that returns
one window at a time, a DataLoader that stacks 64 of them, attention by explicit products and a mask, ``F.dropout``,
Adam, fp32. The mathematics is that of the preset ``reference``. B windows, T positions, D d_model, V vocabulary.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from octavo.config import Config, ModelConfig, OptimizerConfig


class PlainBlock(nn.Module):
    """A post-norm block: norm(x + attention(x)), then norm(x + feed-forward(x))."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.d_model
        self.heads, self.dropout, self.hidden_dropout = config.n_heads, config.dropout, config.hidden_dropout
        self.q, self.k, self.v, self.output = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, config.d_ff), nn.Linear(config.d_ff, width)
        self.attention_norm, self.feedforward_norm = nn.RMSNorm(width), nn.RMSNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map activations (B, T, D) to activations (B, T, D)."""
        windows, positions, width = x.shape
        q, k, v = (
            layer(x).view(windows, positions, self.heads, -1).transpose(1, 2) for layer in (self.q, self.k, self.v)
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
        scores = scores.masked_fill(torch.ones(positions, positions).tril() == 0, -1e9)
        attn_out = (scores.softmax(-1) @ v).transpose(1, 2).reshape(windows, positions, width)
        x = self.attention_norm(x + F.dropout(self.output(attn_out), self.dropout))
        hidden = F.dropout(F.relu(self.up(x)), self.hidden_dropout)
        y: torch.Tensor = self.feedforward_norm(x + F.dropout(self.down(hidden), self.dropout))
        return y


class PlainTransformer(nn.Module):
    """A Transformer with sinusoidal positions: token ids (B, T) to logits (B, T, V)."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(vocab_size, config.d_model), nn.Linear(config.d_model, vocab_size)
        self.blocks = nn.ModuleList(PlainBlock(config) for _ in range(config.n_layers))
        self.norm, self.dropout = nn.RMSNorm(config.d_model), config.dropout
        positions = torch.arange(config.max_positions).float()[:, None]
        waves = torch.exp(torch.arange(0, config.d_model, 2) * (-math.log(config.position_base) / config.d_model))
        self.table = torch.stack((torch.sin(positions * waves), torch.cos(positions * waves)), dim=-1).flatten(1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map token ids (B, T) to logits (B, T, V)."""
        x = F.dropout(self.embedding(ids) + self.table[: ids.shape[1]], self.dropout)
        for block in self.blocks:
            x = block(x)
        logits: torch.Tensor = self.head(self.norm(x))
        return logits


class _WindowDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Windows of token ids, one token apart, each with its targets."""

    def __init__(self, ids: torch.Tensor, context_length: int) -> None:
        self._ids, self._length = ids, context_length

    def __len__(self) -> int:
        return len(self._ids) - self._length

    def __getitem__(self, start: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self._ids[start : start + self._length], self._ids[start + 1 : start + self._length + 1]


def plain_adam(model: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """Return Adam with L2 regularisation, the course report's optimizer."""
    return torch.optim.Adam(
        model.parameters(),
        lr=config.learning_rate,
        betas=config.betas,
        eps=config.epsilon,
        weight_decay=config.weight_decay,
    )


def plain_step(
    model: nn.Module, adam: torch.optim.Optimizer, inputs: torch.Tensor, targets: torch.Tensor, clip_norm: float
) -> float:
    """Take one training step on a batch (B, T); return its loss."""
    logits = model(inputs)
    loss = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))
    adam.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    adam.step()
    return loss.item()


def plain_steps(config: Config, ids: torch.Tensor, vocab_size: int) -> Iterator[float]:
    """Train endlessly on windows of `ids` (N,); yield the loss of each step."""
    model = PlainTransformer(config.model, vocab_size)
    adam = plain_adam(model, config.optimizer)
    loader = DataLoader(
        _WindowDataset(ids, config.data.context_length), config.data.batch_size, shuffle=True, drop_last=True
    )
    while True:
        for inputs, targets in loader:
            yield plain_step(model, adam, inputs, targets, config.optimizer.clip_norm)
