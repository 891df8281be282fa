"""Compare with nanoGPT (github.com/karpathy/nanoGPT): a training step of the recipe that its README has for a CPU.

nanoGPT's ``model.py`` is imported from the user's checkout and trained as its ``train.py`` does on a CPU, without
compiling. Octavo trains the same mathematics: 4 blocks of LayerNorm, attention and GELU, learned positions, tied
embeddings, no biases and no dropout, AdamW, on batches of 12 windows of 64 characters.
"""

import contextlib
import importlib.util
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from octavo.bench.kernels import with_and_without_kernels
from octavo.bench.measure import BenchCase, BenchComparison, compare_cases
from octavo.bench.request import PeerError
from octavo.bench.steps import case_note, octavo_steps, random_ids, stepper
from octavo.config import Config, DataConfig, ModelConfig, OptimizerConfig
from octavo.errors import reason
from octavo.model import Transformer
from octavo.system.progress import ProgressCallback, no_progress

VOCAB_SIZE = 65  # characters of Tiny Shakespeare
RECIPE = Config(
    data=DataConfig(context_length=64, batch_size=12),
    model=ModelConfig(
        n_layers=4,
        d_model=128,
        n_heads=4,
        d_ff=512,
        position="learned",
        max_positions=64,
        norm="layer",
        norm_epsilon=1e-5,
        qk_norm=False,
        feedforward="gelu",
        dropout=0.0,
        hidden_dropout=0.0,
    ),
    optimizer=OptimizerConfig(
        kind="adamw", learning_rate=1e-3, betas=(0.9, 0.99), epsilon=1e-8, weight_decay=0.1, clip_norm=1.0
    ),
)
_TITLE = "A step of nanoGPT's recipe for a CPU"


def nano_gpt_step(
    checkout: Path, rounds: int, watch: ProgressCallback = no_progress, steps: int = 20
) -> BenchComparison:
    """Compare Octavo with nanoGPT; if that fails, the comparison is empty and its note is the reason."""
    data = RECIPE.data
    try:
        peer = nano_gpt_steps(load_gpt(checkout))
    except PeerError as error:
        return BenchComparison(_TITLE, (), (f"nanoGPT was skipped: {error}.",))
    work = "nanoGPT's step: 12 windows of 64 characters, 4 blocks 128 wide, AdamW"
    amount = steps * data.batch_size * data.context_length
    theirs = BenchCase("nanoGPT", work, amount, "tokens", stepper(peer, steps), case_note("fp32"))
    ours = replace(theirs, run=stepper(octavo_steps(RECIPE, VOCAB_SIZE, torch.float32), steps))
    return compare_cases(_TITLE, [theirs, *with_and_without_kernels(ours)], rounds=rounds, watch=watch)


def load_gpt(checkout: Path) -> Any:
    """Return nanoGPT's model of the recipe.

    Raises:
        PeerError: it cannot be imported, or its number of parameters is not that of Octavo's model.
    """
    model, data = RECIPE.model, RECIPE.data
    spec = importlib.util.spec_from_file_location("octavo_peer_nano_gpt", checkout / "model.py")
    if spec is None or spec.loader is None or not (checkout / "model.py").is_file():
        raise PeerError(f"there is no model.py in {checkout}")
    module = importlib.util.module_from_spec(spec)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its size
            spec.loader.exec_module(module)
            gpt = module.GPT(
                module.GPTConfig(
                    block_size=data.context_length,
                    vocab_size=VOCAB_SIZE,
                    n_layer=model.n_layers,
                    n_head=model.n_heads,
                    n_embd=model.d_model,
                    dropout=0.0,
                    bias=False,
                )
            )
    except Exception as error:  # the checkout is another project's code
        raise PeerError(f"its model.py cannot be used: {type(error).__name__}: {reason(error, named=True)}") from None
    theirs = sum(p.numel() for p in gpt.parameters())
    if theirs != (ours := Transformer(model, VOCAB_SIZE).n_parameters()):
        raise PeerError(f"its model has {theirs:,} parameters, and the recipe's {ours:,}: the work is not the same")
    return gpt


def nano_gpt_steps(gpt: Any) -> Iterator[float]:
    """Train `gpt` endlessly as nanoGPT's train.py does on a CPU; yield the loss of each step."""
    data, settings = RECIPE.data, RECIPE.optimizer
    ids = random_ids(VOCAB_SIZE)
    with contextlib.redirect_stdout(io.StringIO()):
        optimizer = gpt.configure_optimizers(settings.weight_decay, settings.learning_rate, settings.betas, "cpu")
    while True:
        starts = torch.randint(len(ids) - data.context_length, (data.batch_size,)).tolist()
        inputs, targets = (
            torch.stack([torch.from_numpy(ids[i : i + data.context_length].astype(np.int64)) for i in shifted])
            for shifted in (starts, [i + 1 for i in starts])
        )
        _, loss = gpt(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(gpt.parameters(), settings.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield loss.item()
