"""Initial weights: those of each parameter are a pure function of (seed, its name, its shape).

Variants of a model therefore start from the same values wherever their shapes agree.
"""

import hashlib
import math

import torch
from torch import nn

from octavo.config import ModelConfig
from octavo.model.positions import Learned

EMBEDDING_SCALE = 0.02  # small, so that a model with tied embeddings starts near the uniform distribution


@torch.no_grad()
def initialise(model: nn.Module, config: ModelConfig, seed: int) -> None:
    """Fill every parameter of `model` in place, as `config.initialisation` says.

    - ``pytorch``: the defaults of torch.nn.
    - ``scaled``: matrices are normal with variance 1/d_in. Those that write to the residual stream are zero, so that
      a block starts as the identity. Biases are zero.

    Norm weights stay one.
    """
    scale = 1.0 if config.initialisation == "pytorch" else EMBEDDING_SCALE
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding):
            module.weight.normal_(0.0, scale, generator=_generator(seed, f"{name}.weight"))
        elif isinstance(module, nn.Linear):
            if not _is_tied(model, module):
                _fill_matrix(module, name, config, seed)
            if module.bias is not None and config.initialisation == "pytorch":
                bound = 1 / math.sqrt(module.in_features)
                module.bias.uniform_(-bound, bound, generator=_generator(seed, f"{name}.bias"))
            elif module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, Learned):
            module.rows.normal_(0.0, scale, generator=_generator(seed, f"{name}.rows"))


def _fill_matrix(module: nn.Linear, name: str, config: ModelConfig, seed: int) -> None:
    generator = _generator(seed, f"{name}.weight")
    bound = 1 / math.sqrt(module.in_features)
    if config.initialisation == "pytorch":
        module.weight.uniform_(-bound, bound, generator=generator)
    elif config.residual and name.endswith((".attention.output", ".feedforward.down")):
        module.weight.zero_()
    else:
        module.weight.normal_(0.0, bound, generator=generator)


def _is_tied(model: nn.Module, module: nn.Linear) -> bool:
    return any(module.weight is m.weight for m in model.modules() if isinstance(m, nn.Embedding))


def _generator(seed: int, name: str) -> torch.Generator:
    """Return a generator for one parameter. Torch uses only the lowest 32 bits of a seed, hence the hash of both."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:4], "little"))
