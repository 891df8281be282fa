"""Training steps without end, as a run takes them, on text that is made up: what it says changes no step's time."""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from octavo.config import Config
from octavo.data import BatchOrder, Windows
from octavo.model import Transformer
from octavo.training.loop import dropout_masks
from octavo.training.optimizers import Optimizers
from octavo.training.step import training_step

TEXT = 100_000  # tokens of it


def made_up_ids(vocab_size: int, count: int = TEXT) -> npt.NDArray[np.uint16]:
    """Token ids that follow no rule."""
    return np.random.default_rng(0).integers(vocab_size, size=count, dtype=np.uint16)


def octavo_steps(config: Config, vocab_size: int, dtype: torch.dtype, text: int = TEXT) -> Iterator[float]:
    """Train as a run does, batches and dropout included, on so many tokens; yield each step's loss."""
    data = config.data
    windows = Windows(made_up_ids(vocab_size, text), data.context_length, data.window_stride)
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


def taking(steps: Iterator[float], count: int) -> Callable[[], None]:
    """Takes so many steps each time it is called."""

    def take() -> None:
        for _ in islice(steps, count):
            pass

    return take


def in_words(precision: str) -> str:
    """Precision and threads, as every case says them."""
    threads = torch.get_num_threads()
    return f"{precision}, {threads} thread{'s' * (threads > 1)}"
