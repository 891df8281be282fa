"""What the figures of a reproduction say, in words; every sentence follows from the run's own numbers."""

from collections.abc import Sequence

import numpy as np

from octavo.evaluate import perplexity
from octavo.experiments.reproduction.epochs import LossPoint, find_unlearning
from octavo.experiments.reproduction.losses import Perplexities
from octavo.experiments.reproduction.patterns import pattern_distance_from_uniform
from octavo.experiments.reproduction.results import Reproduction

_EVEN = 0.05  # of a distance that goes to 1
_MEMORISED = 0.1  # nats per token better on what it was trained on


def about_epochs(found: Reproduction) -> str:
    """Whether there is a table, and what its losses are."""
    if not found.epochs:
        return (
            "No epoch was finished with a look at the whole validation part, so there is no row to compare "
            f"(the run took {found.run.metrics[-1]['epoch']:.3g} epochs)."
        )
    return (
        "The training loss is the mean over the steps of an epoch, with dropout and while the weights moved; the "
        "validation loss is the mean over all windows at its end. Differences are ours less the report's."
    )


def about_first_epoch(looks: Sequence[LossPoint]) -> str:
    """Whether it learned and unlearned within the first epoch."""
    if not looks:
        return "The run made no small looks in its first epoch."
    lost = find_unlearning(looks)
    if lost is None:
        return "Within the first epoch the validation loss did not rise again from its lowest."
    return (
        f"It learned until step {lost.lowest.step:,}, {lost.lowest.epoch:.0%} of the first epoch, down to "
        f"{lost.lowest.validation_loss:.4f} nats per token, and then unlearned: at step {lost.last.step:,} the loss "
        f"is {lost.last.validation_loss:.4f}, and the length of all matrices as one vector went from "
        f"{looks[0].weight_norm:.0f} to {lost.last.weight_norm:.0f}."
    )


def about_floor(measured: Perplexities) -> str:
    """Whether the model knows more than how often each token occurs."""
    loss, floor = measured.validation.mean, measured.unigram_validation
    said = (
        f"A model that knows nothing but how often each token occurs in the training part scores {floor:.4f} nats "
        f"per token on the validation part, perplexity {perplexity(floor):.2f}; the entropy of those frequencies is "
        f"{measured.unigram_train:.4f}. "
    )
    gap = floor - loss
    return said + f"This one scores {loss:.4f}: {abs(gap):.4f} {'better' if gap >= 0 else 'worse'}."


def about_training_loss(measured: Perplexities) -> str:
    """What the report's training perplexity is, and whether anything was memorised."""
    sample, loss = sum(measured.sample.windows), measured.sample.mean
    wrong = measured.training_as_reported
    said = (
        f"The report's training figure is a sum over a sample of {sample:,} windows, divided by the number of all "
        f"{measured.train_windows:,} training windows: {loss:.4f} × {sample:,} / {measured.train_windows:,} = "
        f'{wrong:.4f}, "perplexity" {perplexity(wrong):.2f}. Divided by the sample\'s own size the loss is '
        f"{loss:.4f}, perplexity {perplexity(loss):.2f}. "
    )
    gap = measured.validation.mean - loss
    if gap < _MEMORISED:
        return said + f"That is within {_MEMORISED} nats of the validation loss: **nothing was memorised**."
    return said + f"The model does {gap:.4f} nats per token better on text that it was trained on."


def about_bits(found: Reproduction) -> str:
    """Bits per character, and whether they compare."""
    score = found.evaluation
    said = (
        f"Every validation token scored once, in windows {score.stride} tokens apart: {score.nats_per_token:.4f} "
        f"nats per token, {score.bits_per_character:.4f} bits per character of the original text"
    )
    if score.lossless_tokenizer:
        return said + ", which compare across tokenizers."
    return said + (
        ". The tokenizer throws white space away, so this leaves out what the spaces and line ends would cost: it "
        "flatters the model and compares with nobody's. The loss per token compares only with runs of this tokenizer."
    )


def about_attention(found: Reproduction) -> str:
    """How evenly the heads look."""
    if not found.attention:
        return "The tokenizer has no token for any of the texts."
    distances = np.mean([pattern_distance_from_uniform(read.attention.patterns) for read in found.attention], axis=0)
    layers = "; ".join(
        f"layer {layer}: {', '.join(f'{head:.3f}' for head in heads)}" for layer, heads in enumerate(distances)
    )
    said = (
        "How far each head is from looking at all tokens so far alike, 0 (even) to 1 (one token alone), over the "
        f"texts below: {layers}. The largest weight that makes queries or keys is {found.query_key_weight:.2g}."
    )
    if distances.max() <= _EVEN:
        return (
            said
            + " **No head looks at anything more than at the rest**: there is no pattern to read in the pictures."
        )
    return said


def about_generation(found: Reproduction) -> str:
    """How the texts came about."""
    context = found.run.config.data.context_length
    return (
        f"As in the report, the model reads the last {context} tokens anew before each token"
        + ("." if found.run.tokenizer.lossless else ", and decoding puts a space between any two pieces.")
        + f" (`octavo generate` keeps a cache and begins a new window when the {context} tokens are full.)"
    )
