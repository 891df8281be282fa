"""The plain loop does the mathematics of the preset `reference`: from the same weights it has the same losses."""

from dataclasses import replace

import torch
from torch import nn

from octavo.bench.plain_loop import PlainTransformer, plain_adam, plain_step, plain_steps
from octavo.bench.steps import octavo_steps, random_ids
from octavo.config import load_preset
from octavo.model import Transformer, no_dropout
from octavo.training.optimizers import Optimizers
from octavo.training.step import training_step

VOCABULARY, STEPS = 60, 4
REFERENCE = load_preset("reference")
STILL = replace(REFERENCE, model=replace(REFERENCE.model, dropout=0.0, hidden_dropout=0.0))


def with_weights_of(model: Transformer) -> PlainTransformer:
    """The plain model with the same weights."""
    plain = PlainTransformer(STILL.model, VOCABULARY)
    pairs: list[tuple[nn.Module, nn.Module]] = [
        (plain.embedding, model.embedding),
        (plain.head, model.unembedding),
        (plain.norm, model.final_norm),
    ]
    for mine, its in zip(plain.blocks, model.blocks, strict=True):
        pairs += [(getattr(mine, name), getattr(its.attention, name)) for name in ("q", "k", "v", "output")]
        pairs += [(getattr(mine, name), getattr(its.feedforward, name)) for name in ("up", "down")]
        pairs += [(getattr(mine, name), getattr(its, name)) for name in ("attention_norm", "feedforward_norm")]
    for one, other in pairs:
        one.load_state_dict(other.state_dict())
    return plain


def test_the_same_weights_and_batches_give_the_same_losses() -> None:
    model = Transformer(STILL.model, VOCABULARY)
    plain = with_weights_of(model)
    assert sum(p.numel() for p in plain.parameters()) == model.n_parameters()
    adam, optimizers = plain_adam(plain, STILL.optimizer), Optimizers(model, STILL.optimizer)
    clip_norm = STILL.optimizer.clip_norm
    ids = torch.from_numpy(random_ids(VOCABULARY, STEPS * 8 * 51).astype("int64")).view(STEPS, 8, 51)
    for batch in ids:
        inputs, targets = batch[:, :-1], batch[:, 1:]
        mine = plain_step(plain, adam, inputs, targets, clip_norm)
        its, _ = training_step(
            model,
            optimizers,
            inputs,
            targets,
            drop=no_dropout,
            dtype=torch.float32,
            clip_norm=clip_norm,
            learning_rate_scale=1.0,
        )
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=0)


def test_both_loops_train_on_their_batches() -> None:
    small = replace(REFERENCE, data=replace(REFERENCE.data, batch_size=4))
    ids = torch.from_numpy(random_ids(VOCABULARY, 400).astype("int64"))
    for steps in (plain_steps(small, ids, VOCABULARY), octavo_steps(small, VOCABULARY, torch.float32)):
        losses = [next(steps) for _ in range(3)]
        assert len(set(losses)) == 3
        assert all(3 < loss < 6 for loss in losses)  # the uniform baseline is 4.1
