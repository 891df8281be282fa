"""Sentences about the figures of a reproduction; each follows from the run's own numbers."""

from collections.abc import Sequence

import numpy as np

from octavo.evaluate import perplexity
from octavo.experiments.reproduction.epochs import LossPoint, find_unlearning
from octavo.experiments.reproduction.losses import Perplexities
from octavo.experiments.reproduction.patterns import pattern_distance_from_uniform
from octavo.experiments.reproduction.results import Reproduction

_MAX_UNIFORM_DISTANCE = 0.05  # of attention that counts as uniform, on a scale of 0 to 1
_MIN_MEMORISED = 0.1  # nats per token by which the training split must be better


def about_epochs(result: Reproduction) -> str:
    """Return the definition of the losses in the table of epochs, or the reason why there is no table."""
    if not result.epochs:
        return (
            "No epoch ended with a validation on the whole validation split, so there is no row to compare (the run "
            f"has {result.run.metrics[-1]['epoch']:.3g} epochs)."
        )
    return (
        "The training loss is the mean over the steps of an epoch, with dropout and while the weights changed. "
        "The validation loss is the mean over all windows at its end. Differences are ours minus the report's."
    )


def about_first_epoch(points: Sequence[LossPoint]) -> str:
    """Return whether the validation loss rose again within the first epoch."""
    if not points:
        return "The run has no validation points in its first epoch."
    unlearning = find_unlearning(points)
    if unlearning is None:
        return "Within the first epoch the validation loss did not rise again from its minimum."
    lowest, last = unlearning
    return (
        f"The validation loss fell until step {lowest.step:,} ({lowest.epoch:.0%} of the first epoch) to "
        f"{lowest.validation_loss:.4f} nats per token, and then rose: at step {last.step:,} it is "
        f"{last.validation_loss:.4f}. Meanwhile the weight norm fell from {points[0].weight_norm:.0f} to "
        f"{last.weight_norm:.0f}."
    )


def about_unigram_baseline(measured: Perplexities) -> str:
    """Return the loss of the unigram baseline, and the model's difference to it."""
    loss, baseline = measured.validation.mean, measured.unigram_validation
    gap = baseline - loss
    return (
        f"A unigram model, which knows only how frequent each token is in the training split, scores {baseline:.4f} "
        f"nats per token on the validation split, perplexity {perplexity(baseline):.2f}; the entropy of those "
        f"frequencies is {measured.unigram_train:.4f}. This model scores {loss:.4f}: {abs(gap):.4f} "
        f"{'better' if gap >= 0 else 'worse'}."
    )


def about_training_loss(measured: Perplexities) -> str:
    """Return how the report's training perplexity comes about, and whether the model memorised its training split."""
    sample, loss = sum(measured.sample.windows), measured.sample.mean
    as_reported = measured.training_as_reported
    text = (
        f"The report's training figure is a sum over a sample of {sample:,} windows, divided by the number of all "
        f"{measured.train_windows:,} training windows: {loss:.4f} × {sample:,} / {measured.train_windows:,} = "
        f'{as_reported:.4f}, "perplexity" {perplexity(as_reported):.2f}. Divided by the sample\'s own size the '
        f"loss is {loss:.4f}, perplexity {perplexity(loss):.2f}. "
    )
    gap = measured.validation.mean - loss
    if gap < _MIN_MEMORISED:
        return f"{text}That is within {_MIN_MEMORISED} nats of the validation loss: **nothing was memorised**."
    return f"{text}The model is {gap:.4f} nats per token better on its training split."


def about_bits(result: Reproduction) -> str:
    """Return bits per character, and whether they are comparable."""
    score = result.evaluation
    text = (
        f"With every validation token scored once, in windows with a stride of {score.stride} tokens, the score is "
        f"{score.bits_per_character:.4f} bits per character of the original text, {score.nats_per_token:.4f} nats "
        "per token"
    )
    if score.lossless_tokenizer:
        return f"{text}; bits per character are comparable across tokenizers."
    return (
        f"{text}. The tokenizer is lossy: it drops white space, so the score does not include the cost of spaces and "
        "line ends. It is optimistic and not comparable with scores of other tokenizers."
    )


def about_attention(result: Reproduction) -> str:
    """Return each head's distance from uniform attention."""
    if not result.attention:
        return "The tokenizer has no token for any of the texts."
    each = [pattern_distance_from_uniform(text.attention.patterns) for text in result.attention]
    distances = np.mean(each, axis=0)
    layers = "; ".join(
        f"layer {layer}: {', '.join(f'{head:.3f}' for head in heads)}" for layer, heads in enumerate(distances)
    )
    text = (
        "Each head's distance from uniform attention, 0 (uniform) to 1 (all weight on one token), over the texts "
        f"below: {layers}. The largest absolute weight of the query and key projections is "
        f"{result.query_key_weight:.2g}."
    )
    if distances.max() <= _MAX_UNIFORM_DISTANCE:
        return f"{text} **Every head attends uniformly**: the pictures show no pattern."
    return text


def about_generation(result: Reproduction) -> str:
    """Return how the texts were generated."""
    context = result.run.config.data.context_length
    spaces = "" if result.run.tokenizer.lossless else ", and decoding puts a space between any two tokens"
    return (
        f"As in the report, the model reads the last {context} tokens again before each token{spaces}. "
        f"(`octavo generate` keeps a KV cache and begins a new window when the {context} tokens are full.)"
    )
