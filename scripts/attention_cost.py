"""Measure the fraction of a training step's time and memory that attention needs, by length: claim 10 of the report.

The model is the course report's, with explicit attention (matmuls, mask, softmax), in fp32, on two threads, with
about 3,200 tokens per step at every length. Octavo's kernels are disabled, because a profiler cannot look into them.
Time is that of the operators which only attention's n² part uses, from PyTorch's profiler. Memory is that of the
tensors which autograd keeps for the backward pass, without dropout masks. The output is JSON.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.profiler import ProfilerActivity, profile

import octavo.model.attention
from octavo.config import Config, load_preset
from octavo.model import Transformer, no_dropout
from octavo.runs.provenance import machine_facts
from octavo.training.loop import dropout_masks
from octavo.training.optimizers import Optimizers
from octavo.training.step import mean_nats, training_step

TOKENS, VOCABULARY, STEPS, THREADS = 3_200, 500, 10, 2
LENGTHS = (50, 256, 1024)
# Operators of scores, softmax and weighted values only: every other matmul here is by a weight matrix. Operators on a
# tensor of queries by keys count as well.
QUADRATIC = ("aten::baddbmm", "aten::bmm", "aten::_softmax", "aten::_softmax_backward_data")


def make_config(length: int) -> Config:
    """Return the reference config with another context, and about as many tokens per step."""
    config = load_preset("reference")
    data = replace(config.data, context_length=length, batch_size=max(1, TOKENS // length))
    return replace(config, data=data, model=replace(config.model, max_positions=max(LENGTHS)))


def make_step(config: Config, model: Transformer, ids: torch.Tensor) -> Callable[[], Any]:
    """Return a function that takes one training step."""
    optimizers, masks = Optimizers(model, config.optimizer), dropout_masks(config, torch.float32)

    def step() -> None:
        training_step(
            model,
            optimizers,
            ids,
            ids,
            drop=masks.masks_for_step(0),
            dtype=torch.float32,
            clip_norm=1.0,
            learning_rate_scale=0.0,
        )

    return step


def time_fraction(step: Callable[[], Any], length: int) -> tuple[float, float]:
    """Return the fraction of time of the n² operators, and the milliseconds of a step."""
    for _ in range(3):
        step()
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        for _ in range(STEPS):
            step()
    total = quadratic = 0.0
    for entry in profiler.key_averages(group_by_input_shape=True):
        square = any(shape[-2:] == [length, length] for shape in entry.input_shapes)
        total += entry.self_cpu_time_total
        quadratic += entry.self_cpu_time_total * (square or entry.key in QUADRATIC)
    return quadratic / total, total / STEPS / 1000


def backward_bytes(model: Transformer, ids: torch.Tensor) -> tuple[int, int]:
    """Return the bytes of all tensors kept for the backward pass, and of those with queries by keys."""
    kept: dict[int, tuple[int, bool]] = {}
    length = ids.shape[1]

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        square = tensor.ndim >= 3 and tensor.shape[-2:] == (length, length)
        if not isinstance(tensor, torch.nn.Parameter):
            kept[tensor.untyped_storage().data_ptr()] = (tensor.untyped_storage().nbytes(), square)
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = mean_nats(model(ids, drop=no_dropout), ids)
    del loss
    return sum(size for size, _ in kept.values()), sum(size for size, square in kept.values() if square)


def main() -> None:
    os.environ["OCTAVO_NATIVE"] = "0"  # read when the kernels are first used
    torch.set_num_threads(THREADS)
    octavo.model.attention.max_unfused_keys = lambda dtype: 1 << 20  # explicit at every length, as in the report
    rows = []
    for length in LENGTHS:
        config = make_config(length)
        model = Transformer(config.model, VOCABULARY, 0)
        ids = torch.randint(VOCABULARY, (config.data.batch_size, length), generator=torch.Generator().manual_seed(0))
        fraction, milliseconds = time_fraction(make_step(config, model, ids), length)
        everything, matrices = backward_bytes(model, ids)
        rows.append(
            {
                "length": length,
                "windows": len(ids),
                "share_of_time": fraction,
                "milliseconds_a_step": milliseconds,
                "bytes_kept": everything,
                "bytes_of_attention_matrices": matrices,
                "share_of_memory": matrices / everything,
            }
        )
    print(json.dumps({"machine": machine_facts(), "threads": torch.get_num_threads(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
