"""The preset against a plain loop of PyTorch's own parts, written without Octavo's model, windows or optimizers.

T positions, D 128, H 4 heads of K 32; both start from the same weights and see the same batches and masks.
"""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from octavo.formats.toml_schema import with_overrides
from octavo.model import DropoutFn, Transformer
from octavo.model.dropout import apply_mask
from octavo.pipeline.run import Run
from octavo.runs.events import StepEvent
from octavo.training.data import TokenCount, training_data
from octavo.training.loop import Training, dropout_masks
from octavo.training.state import TrainingState

STEPS = 10


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(128, 128) for _ in range(4))
        self.up, self.down = nn.Linear(128, 512), nn.Linear(512, 128)
        self.norm1, self.norm2 = nn.RMSNorm(128), nn.RMSNorm(128)

    def forward(self, x: torch.Tensor, drop: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        b, t, _ = x.shape
        q, k, v = (layer(x).view(b, t, 4, 32).transpose(1, 2) for layer in (self.q, self.k, self.v))
        scores = q @ k.transpose(-2, -1) / math.sqrt(32)
        scores = scores.masked_fill(torch.ones(t, t).tril() == 0, -1e9)
        read = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, 128)
        x = self.norm1(x + drop(self.out(read)))
        y: torch.Tensor = self.norm2(x + drop(self.down(drop(F.relu(self.up(x))))))
        return y


class Reference(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(500, 128), nn.Linear(128, 500)
        self.blocks, self.norm = nn.ModuleList([Block(), Block()]), nn.RMSNorm(128)
        place = torch.arange(500.0)[:, None]
        wave = torch.exp(torch.arange(0, 128, 2) * (-math.log(500.0) / 128))
        self.table = torch.stack((torch.sin(place * wave), torch.cos(place * wave)), dim=-1).flatten(1)

    def forward(self, ids: torch.Tensor, drop: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        x = drop(self.embedding(ids) + self.table[: ids.shape[1]])
        for block in self.blocks:
            x = block(x, drop)
        logits: torch.Tensor = self.head(self.norm(x))
        return logits


OURS = {
    "head": "unembedding",
    "norm": "final_norm",
    "q": "attention.q",
    "k": "attention.k",
    "v": "attention.v",
    "out": "attention.output",
    "up": "feedforward.up",
    "down": "feedforward.down",
    "norm1": "attention_norm",
    "norm2": "feedforward_norm",
}


def a_tenth_dropped(drop: DropoutFn) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda x: apply_mask(x, drop(x.shape, 0.1))


def our_name(name: str) -> str:
    *scope, module, kind = name.split(".")
    return ".".join([*scope, OURS.get(module, module), kind])


def test_the_first_losses_are_those_of_a_plain_loop(reference: Run) -> None:
    config = with_overrides(reference.config, [("train.epochs", 0.0), ("train.steps", STEPS), ("train.log_every", 1)])
    model = Transformer(config.model, 500, config.train.seed)
    train, validation = (TokenCount(reference.splits[name].ids, 1) for name in ("train", "validation"))
    data = training_data(config, train, validation, reference.tokenizer)
    masks = dropout_masks(config, torch.float32)

    plain = Reference()
    weights = {name: value.detach().clone() for name, value in model.named_parameters()}
    plain.load_state_dict({name: weights.pop(our_name(name)) for name in plain.state_dict()})
    assert not weights, "every weight has its counterpart"
    assert sum(p.numel() for p in plain.parameters()) == 524_660
    adam = torch.optim.Adam(plain.parameters(), lr=3e-4, betas=(0.9, 0.98), weight_decay=0.01)
    tokens = torch.from_numpy(train.ids.astype("int64"))
    expected = []
    for step in range(STEPS):
        starts = data.order.batch(step).indices.tolist()
        assert len(set(starts)) == 64
        assert 0 <= min(starts) <= max(starts) < 358_453
        windows = torch.stack([tokens[start : start + 51] for start in starts])
        logits = plain(windows[:, :-1], a_tenth_dropped(masks.masks_for_step(step)))
        loss = F.cross_entropy(logits.reshape(-1, 500), windows[:, 1:].reshape(-1))
        adam.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        adam.step()
        expected.append(loss.item())

    training = Training(TrainingState(model, config), data, config, dtype=torch.float32)
    losses = [event.loss for event in training if isinstance(event, StepEvent)]
    assert expected[0] > 6.2, "chance"
    assert expected[-1] < 6.05
    assert losses == pytest.approx(expected, rel=2e-5)
