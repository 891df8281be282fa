"""Temperature calibration (Guo et al., 2017, arXiv:1706.04599): one number that makes a model as sure as it may be.

A model that has read its text many times predicts that text better than any other, and is too sure of its
predictions elsewhere. Dividing its logits by a temperature over 1 corrects that; which token is the likeliest stays
the same. The temperature is fitted on blocks of the training split, which are not trained on, and folded into the
final norm. So a calibrated model is a model of the same architecture, and nothing else has to know.

B windows, T context_length, V tokens of the vocabulary.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.func import functional_call

from octavo.config.shapes import windows_at_once
from octavo.data.windows import Windows
from octavo.model import Transformer
from octavo.model.weights import Tensors

_NEWTON_STEPS = 8  # the loss is convex in 1/temperature, and four or five steps end at its minimum
_RANGE = (0.2, 5.0)  # of 1/temperature
_SCALED = ("final_norm.weight", "final_norm.bias", "unembedding.bias")  # the logits are linear in them together


@dataclass(frozen=True)
class TemperatureFit:
    """A fitted temperature, the tokens that it was fitted on, and their loss in nats per token before and after."""

    temperature: float
    tokens: int
    before: float
    after: float


@torch.no_grad()
def fit_temperature(
    model: Transformer, windows: Windows, *, weights: Tensors, dtype: torch.dtype = torch.float32
) -> TemperatureFit:
    """Fit the temperature with the lowest loss on text that was not trained on, by Newton's method.

    Only the second half of each window counts, as in a score: tokens with little context are predicted less surely.

    Args:
        model: the model.
        windows: windows of that text.
        weights: the weights to calibrate, which stay as they are.
        dtype: the data type of forward passes.

    Returns:
        The fit. Its temperature is between 0.2 and 5.
    """
    copies = {name: weight.to(dtype) for name, weight in weights.items()}
    inverse, losses, tokens = 1.0, [], 0
    for _ in range(_NEWTON_STEPS):
        loss, slope, curvature, tokens = _derivatives(model, copies, windows, inverse)
        losses.append((loss, inverse))
        step = slope / max(curvature, 1e-9)
        inverse = min(_RANGE[1], max(_RANGE[0], inverse - max(-0.5 * inverse, min(0.5 * inverse, step))))
    after, inverse = min(losses)
    return TemperatureFit(1 / inverse, tokens, losses[0][0], after)


def _derivatives(
    model: Transformer, copies: Tensors, windows: Windows, inverse: float
) -> tuple[float, float, float, int]:
    """Return the mean loss of logits · `inverse`, its first and second derivative by `inverse`, and the tokens.

    With p the softmax of z · `inverse`, the derivatives of a token's loss are E[z] - z of the target, and Var[z].
    """
    sums, tokens, first = torch.zeros(3, dtype=torch.float64), 0, windows.context_length // 2
    at_once = windows_at_once(model.config, model.vocab_size, windows.context_length)
    half = max(1, at_once // 2)  # the probabilities take as much memory again
    for inputs, targets in windows.batches(np.arange(len(windows)), half):
        logits = functional_call(model, copies, (inputs,))[:, first:].flatten(0, 1).float()
        of_target = logits.gather(1, targets[:, first:].reshape(-1, 1)).squeeze(1)
        probabilities = (logits * inverse).softmax(dim=-1)
        mean = (probabilities * logits).sum(dim=-1)
        variance = (probabilities * (logits - mean[:, None]).square()).sum(dim=-1)
        losses = logits.mul(inverse).logsumexp(dim=-1) - inverse * of_target
        sums += torch.stack([column.double().sum() for column in (losses, mean - of_target, variance)])
        tokens += len(of_target)
    loss, slope, curvature = (sums / max(1, tokens)).tolist()
    return loss, slope, curvature, tokens


@torch.no_grad()
def scale_logits(weights: Tensors, factor: float) -> None:
    """Multiply the logits of a model with these `weights` by `factor`, in place.

    The model has a final norm (:class:`octavo.config.schema.Config` checks that), whose gain takes the factor.
    """
    for name in _SCALED:
        if name in weights:
            weights[name].mul_(factor)
