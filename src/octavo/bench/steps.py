"""Endless training steps, as a run takes them, on random tokens: the content does not affect the time of a step."""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from octavo.config import Config
from octavo.data.batch_order import BatchOrder
from octavo.data.windows import Windows
from octavo.model import Transformer
from octavo.training.loop import dropout_masks
from octavo.training.optimizers import Optimizers
from octavo.training.step import training_step

N_TOKENS = 100_000  # to train on, unless a benchmark varies this


def random_ids(vocab_size: int, count: int = N_TOKENS) -> npt.NDArray[np.uint16]:
    """Return `count` token ids, uniform and independent, always the same ones."""
    return np.random.default_rng(0).integers(vocab_size, size=count, dtype=np.uint16)


def octavo_steps(config: Config, vocab_size: int, dtype: torch.dtype, n_tokens: int = N_TOKENS) -> Iterator[float]:
    """Train on `n_tokens` tokens as a run does, with its batches and dropout; yield the loss of each step."""
    data = config.data
    windows = Windows(random_ids(vocab_size, n_tokens), data.context_length, data.window_stride)
    order = BatchOrder(0, len(windows), data.batch_size)
    model = Transformer(config.model, vocab_size)
    optimizers, masks = Optimizers(model, config.optimizer), dropout_masks(config, dtype)
    step = 0
    while True:
        inputs, targets = windows.gather(order.batch(step).indices)
        loss, _ = training_step(
            model,
            optimizers,
            inputs,
            targets,
            drop=masks.masks_for_step(step),
            dtype=dtype,
            clip_norm=config.optimizer.clip_norm,
            learning_rate_scale=1.0,
        )
        yield loss
        step += 1


def stepper(steps: Iterator[float], count: int) -> Callable[[], None]:
    """Return a function that takes the next `count` steps at each call."""

    def take() -> None:
        for _ in islice(steps, count):
            pass

    return take


def case_note(precision: str) -> str:
    """Return the note of a case: precision and number of threads."""
    threads = torch.get_num_threads()
    return f"{precision}, {threads} thread{'s' * (threads > 1)}"
