"""The course report's eleven claims: the figures measured for each, and the verdict that follows from the intervals.

A verdict is computed from the figures, never typed: another run of the experiments can change it. A "difference" is a
variant minus the base, seed by seed, so that below zero is better.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scripts.report_examined.heads import HeadGroup, head_groups, heads_table
from scripts.report_examined.results import Interval, NoFigure, Results

from octavo.evaluate import perplexity

Verdict = Literal["holds", "does not hold", "undecided"]
Outcome = tuple[Verdict, str]
TOKEN, CHARACTER, BITS = "nats_per_token", "nats_per_character", "bits_per_character"
_MATTERS = 0.05  # nats per token: a difference that matters in practice


@dataclass(frozen=True)
class Claim:
    """A claim of the report and its verdict."""

    number: int
    text: str
    verdict: Verdict
    reason: str  # Markdown; figures with intervals


def claims(results: Results) -> list[Claim]:
    """Return all eleven claims in order; a claim whose experiment has not been run is undecided."""
    return [Claim(number, text, *_outcome(test, results)) for number, (text, test) in enumerate(_TESTS, 1)]


def _outcome(test: Callable[[Results], Outcome], results: Results) -> Outcome:
    try:
        return test(results)
    except NoFigure as missing:
        return "undecided", f"A figure is missing: {missing}."


def _memorised(results: Results) -> Outcome:
    values = results.reference["perplexity"]
    train, validation = values["training_sample"]["loss"], values["validation"]["loss"]
    return (
        "holds" if validation - train > _MATTERS else "does not hold",
        f"Divided by the number of windows in the sum, the training loss is {train:.3f} (perplexity "
        f"{perplexity(train):.1f}) and the validation loss {validation:.3f}; the unigram baseline's is "
        f"{values['unigram']['validation_loss']:.3f}. The report's {values['training_as_reported']['loss']:.3f} is a "
        f"sum over {values['training_sample']['windows']:,} windows, divided by all {values['training_windows']:,}. "
        "The model needs less regularisation, not more: weight decay made it lose what it had learned.",
    )


def _learned(results: Results) -> Outcome:
    epochs = {row["here"]["epoch"]: row["here"]["validation_loss"] for row in results.reference["epochs"]}
    third, last = min(3, max(epochs)), max(epochs)
    floor = results.reference["perplexity"]["unigram"]["validation_loss"]
    attention = results.reference["attention"]
    distance = max(value for text in attention for layer in text["distance_from_even"] for value in layer)
    learned_nothing = epochs[last] > 0.99 * floor and distance < 0.01
    groups = head_groups(results.heads or {})
    of_the_report = groups["coupled"].verdict if "coupled" in groups else ""
    verdict: Verdict = "undecided"
    if learned_nothing or of_the_report == "does not hold":
        verdict = "does not hold"
    elif of_the_report == "holds":
        verdict = "holds"
    return (
        verdict,
        f"It converged, but to the unigram model: its validation loss is {epochs[third]:.4f} nats per token at epoch "
        f"{third} and {epochs[last]:.4f} at epoch {last}, and the unigram baseline's is {floor:.4f}. Every head "
        "attends uniformly: the largest distance from uniform attention (0) towards a single token (1) is "
        f"{distance:.0e}, on average over the queries. {_heads(groups)}",
    )


def _heads(groups: dict[str, HeadGroup]) -> str:
    """Return the table of the heads of each group."""
    if not groups:
        return "The heads of the corrected model have not been measured yet."
    return f"Specialisation of heads and layers, by model:\n\n{heads_table(list(groups.values()))}"


def _bag(results: Results) -> Outcome:
    experiment = results["positions"]
    none, difference = experiment.figure("none", TOKEN), experiment.difference("none", TOKEN)
    floor = results.reference["perplexity"]["unigram"]["validation_loss"]
    base = experiment.figure(experiment.base, TOKEN)
    return (
        "does not hold" if none.high < floor - _MATTERS else "holds",
        f"Without positions the loss is {none.shown()} nats per token, with the report's positions {base.shown()}: a "
        f"difference of {difference.shown(3, '+')}. A bag of tokens does not know which token came last, so its loss "
        f"could not be far below the unigram baseline's {floor:.3f}. The causal mask shows every position another "
        "set of tokens, which tells a model much about order. "
        + ("Positions help nevertheless." if difference.above else "Within this budget, positions do not help."),
    )


def _residual(results: Results) -> Outcome:
    experiment = results["norms"]
    without = [name for name in experiment.variants if name.startswith("without-")]
    diverged = experiment.diverged(*without)
    diverged_with = experiment.diverged(*set(experiment.variants) - set(without))
    differences = {name: experiment.difference(name, TOKEN) for name in without if experiment.has(name, TOKEN)}
    ranges = [experiment.seed_range(name, TOKEN) for name in (experiment.base, "without-post-rms")]
    unstable = diverged > diverged_with or ranges[1] > max(10 * ranges[0], 0.5)
    return (
        "holds" if unstable else "does not hold",
        f"{diverged or 'None'} of {len(without) * experiment.seeds} runs without residual connections diverged, and "
        f"{diverged_with or 'none'} of the others. In the report's arrangement the five seeds end within "
        f"{ranges[1]:.3f} nats per token of each other (with residual connections {ranges[0]:.3f}). The loss "
        f"compared with the report's block: {_list(differences)}. Learning less is not instability.",
    )


def _layernorm(results: Results) -> Outcome:
    decay, norms = results["decay"], results["norms"]
    variants = [name for name in norms.variants if "layer" in name]
    diverged = decay.diverged("coupled-layernorm") + norms.diverged(*variants)
    coupled = decay.figure("coupled-layernorm", TOKEN)
    worst = max(norms.figure(name, TOKEN).high for name in variants)
    return (
        "holds" if diverged or perplexity(max(worst, coupled.high)) > 5000 else "does not hold",
        "In the report's own recipe LayerNorm ends the first epoch at a perplexity of "
        f"{perplexity(coupled.mean):.0f} per token ({perplexity(coupled.low):.0f} … {perplexity(coupled.high):.0f}), "
        f"RMSNorm at {perplexity(decay.figure('coupled', TOKEN).mean):.0f}. With decoupled decay, {len(variants)} "
        "arrangements of LayerNorm (pre and post, with and without residual connections) stay below "
        f"{perplexity(worst):.0f}. {diverged or 'No'} run diverged. The uniform baseline is 500.",
    )


def _rmsnorm(results: Results) -> Outcome:
    experiment = results["norms"]
    rms, layer = (["residual-post-" + kind, "residual-pre-" + kind] for kind in ("rms", "layer"))
    post, pre = (experiment.between(b, a, TOKEN) for a, b in zip(rms, layer, strict=True))
    diverged, of_layer = experiment.diverged(*rms), experiment.diverged(*layer)
    ranges = [f"{name} {experiment.seed_range(name, TOKEN):.4f}" for name in (*rms, *layer)]
    return (
        "undecided" if diverged == of_layer else "holds" if diverged < of_layer else "does not hold",
        f"{diverged or 'No'} run of RMSNorm and {of_layer or 'none'} of LayerNorm diverged"
        + (", so there is no sign that either is less stable. " if diverged == of_layer else ". ")
        + f"LayerNorm minus RMSNorm: {post.shown(4, '+')} nats per token after the residual sum, {pre.shown(4, '+')} "
        f"before the sub-layers. Difference between the best and the worst seed: {', '.join(ranges)}.",
    )


def _extrapolates(results: Results) -> Outcome:
    experiment = results["positions"]
    lengths = (50, 100, 200, 400)
    rise = experiment.within("sinusoidal-500", f"{CHARACTER}@400", f"{CHARACTER}@50")
    rows = []
    for name in experiment.variants:
        means = [experiment.figure(name, f"{CHARACTER}@{length}").mean for length in lengths]
        rows.append(f"{name} {' / '.join(f'{mean:.3f}' for mean in means)}")
    return (
        "does not hold" if rise.above else "holds" if rise.high < _MATTERS else "undecided",
        f"Trained on 50 positions and scored in windows of {', '.join(map(str, lengths))} tokens, nats per "
        f"character: {'; '.join(rows)}. From 50 to 400 the score of the report's positions changes by "
        f"{rise.shown(3, '+')}.",
    )


def _bpe(results: Results) -> Outcome:
    experiment = results["tokens"]
    difference, fewer = (experiment.difference(n, BITS) for n in ("characters-same-text", "characters"))
    figures = {name: experiment.figure(name, BITS) for name in experiment.variants}
    return (
        "holds" if difference.below else "does not hold" if difference.above else "undecided",
        "In bits per character. Characters, with as much text per step and per context as BPE of 500, minus BPE of "
        f"500: {difference.shown(3, '+')}; with as many tokens per step, which are half as much text: "
        f"{fewer.shown(3, '+')}. All: {_list(figures, sign='')}.",
    )


def _larger(results: Results) -> Outcome:
    size = results["size"]
    differences = {name: size.difference(name, TOKEN) for name in ("4-layers", "width-256", "1-layer", "width-64")}
    larger = [differences["4-layers"], differences["width-256"]]
    neither = all(difference.above for difference in larger)
    return (
        "holds" if any(d.below for d in larger) else "does not hold" if neither else "undecided",
        f"With decoupled decay, after {size.steps(size.base):,} steps, compared with two layers of width 128: "
        f"{_list(differences)} nats per token. Under the report's own decay no size can help. The table of "
        "improvements has a text so short that a model overfits.",
    )


def _square(results: Results) -> Outcome:
    rows = {row["length"]: row for row in results.attention["rows"]}
    time, memory = rows[50]["share_of_time"], rows[50]["share_of_memory"]
    fractions = "; ".join(
        f"at {length:,} positions {100 * row['share_of_time']:.0f} % and {100 * row['share_of_memory']:.0f} %"
        for length, row in rows.items()
    )
    return (
        "holds" if time > 0.5 or memory > 0.5 else "does not hold",
        "Fraction of a training step's time spent on operations that grow with n² (scores, softmax, weighted "
        "values), and fraction of the memory kept for the backward pass in matrices of queries by keys: "
        f"{fractions}. At the report's length, the matmuls of the layers dominate; the claim is true of longer "
        "contexts.",
    )


def _choices(results: Results) -> Outcome:
    compared = {
        f"{name} {difference.shown(3, '+')} {unit}": difference
        for experiment, figure, unit in (
            (results["learning-rate"], TOKEN, "nats per token"),
            (results["context"], TOKEN, "nats per token"),
            (results["size"], TOKEN, "nats per token"),
            (results["tokens"], BITS, "bits per character"),
        )
        for name in experiment.variants
        if name != experiment.base and experiment.has(name, figure)
        for difference in [experiment.difference(name, figure)]
    }
    better = [shown for shown, difference in compared.items() if difference.below and difference.mean < -_MATTERS]
    none_could_be = all(difference.low > -_MATTERS for difference in compared.values())
    return (
        "does not hold" if better else "holds" if none_could_be else "undecided",
        "With decoupled decay, at equal steps, one setting changed at a time, these are better by more than "
        f"{_MATTERS}: {'; '.join(better) or 'none'}. Larger models and contexts need more time per step. Ten epochs "
        "of windows one token apart are about 500 passes over the text: see the corrected recipe in the table of "
        "epochs.",
    )


_TESTS: tuple[tuple[str, Callable[[Results], Outcome]], ...] = (
    (
        "A training perplexity of 1.17, compared with 251.56, shows memorisation and strong overfitting; more "
        "regularisation is needed",
        _memorised,
    ),
    (
        "The model converged by epoch 3 and learned local and longer-range patterns; its heads and layers specialise",
        _learned,
    ),
    ("Without positions the model is a bag of tokens; with them sequences become coherent", _bag),
    ("Without residual connections training is unstable", _residual),
    ("LayerNorm in place of RMSNorm sent the perplexity over 5000", _layernorm),
    ("RMSNorm is the more stable norm", _rmsnorm),
    ("Sinusoidal positions extrapolate to lengths not seen in training", _extrapolates),
    ("BPE shortens the sequence, but makes word-level patterns harder to learn than characters do", _bpe),
    ("More layers or width might help", _larger),
    ("Attention's O(n²) is the main bottleneck; attention matrices dominate memory", _square),
    (
        "The learning rate, a context of 50, 2 layers, 128 dimensions, 4 heads, 500 tokens and 10 epochs are good "
        "choices",
        _choices,
    ),
)


def _list(intervals: dict[str, Interval], sign: str = "+") -> str:
    return ", ".join(f"{name} {interval.shown(3, sign)}" for name, interval in intervals.items())
