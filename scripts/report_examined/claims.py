"""The report's eleven claims: what was measured for each, and the verdict that follows from the intervals.

A verdict is worked out from the figures, never typed: another run of the experiments can change it. Below, a
"difference" is a variant less the base, seed by seed, so below zero is better.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scripts.report_examined.heads import Group, groups_of, table
from scripts.report_examined.results import Estimate, NoFigure, Results

from octavo.evaluate import perplexity

Verdict = Literal["holds", "does not hold", "cannot be said"]
Outcome = tuple[Verdict, str]
TOKEN, CHARACTER, BITS = "nats_per_token", "nats_per_character", "bits_per_character"
_MATTERS = 0.05  # nats a token: a difference that anybody would notice


@dataclass(frozen=True)
class Claim:
    """One claim and what came of it."""

    number: int
    says: str
    verdict: Verdict
    because: str  # Markdown; figures with intervals


def claims(results: Results) -> list[Claim]:
    """All eleven, in order; of one whose experiment has not been run, nothing can be said."""
    return [Claim(number, says, *_outcome(test, results)) for number, (says, test) in enumerate(_TESTS, 1)]


def _outcome(test: Callable[[Results], Outcome], results: Results) -> Outcome:
    try:
        return test(results)
    except NoFigure as missing:
        return "cannot be said", f"There is no figure for it: {missing}."


def _memorised(results: Results) -> Outcome:
    values = results.reference["perplexity"]
    train, held_out = values["training_sample"]["loss"], values["validation"]["loss"]
    return (
        "holds" if held_out - train > _MATTERS else "does not hold",
        f"Divided by the windows that were summed, the training loss is {train:.3f} (perplexity "
        f"{perplexity(train):.1f}) "
        f"and the held-out loss {held_out:.3f}; the unigram model's is {values['unigram']['validation_loss']:.3f}. "
        f"{values['training_as_reported']['loss']:.3f} comes out when a sum over "
        f"{values['training_sample']['windows']:,} "
        f"windows is divided by all {values['training_windows']:,}. The model needs less regularisation, not "
        "more: it is "
        "the decay that took from it what it had learned.",
    )


def _learned(results: Results) -> Outcome:
    epochs = {row["here"]["epoch"]: row["here"]["validation_loss"] for row in results.reference["epochs"]}
    third, last = min(3, max(epochs)), max(epochs)
    floor = results.reference["perplexity"]["unigram"]["validation_loss"]
    attention = results.reference["attention"]
    uneven = max(value for text in attention for layer in text["distance_from_uniform"] for value in layer)
    nothing = epochs[last] > 0.99 * floor and uneven < 0.01
    groups = groups_of(results.heads or {})
    of_the_report = groups["coupled"].verdict if "coupled" in groups else ""
    verdict: Verdict = "cannot be said"
    if nothing or of_the_report == "does not hold":
        verdict = "does not hold"
    elif of_the_report == "holds":
        verdict = "holds"
    return (
        verdict,
        f"It converged, but to the unigram model: {epochs[third]:.4f} nats a token held out at epoch {third}, "
        f"{epochs[last]:.4f} at epoch {last}, where counting tokens gives {floor:.4f}. And no head looks at one "
        "token more "
        f"than at another: from an even share (0) to a single token (1) the furthest head has come {uneven:.0e}, "
        "on average "
        f"over the queries. {_heads(groups)}",
    )


def _heads(groups: dict[str, Group]) -> str:
    """What the heads of each group do."""
    if not groups:
        return "Whether heads of the *corrected* model specialise waits for the tools that measure it."
    return f"Whether heads and layers specialise, model by model:\n\n{table(list(groups.values()))}"


def _bag(results: Results) -> Outcome:
    experiment = results["positions"]
    none, difference = experiment.figure("none", TOKEN), experiment.difference("none", TOKEN)
    floor = results.reference["perplexity"]["unigram"]["validation_loss"]
    return (
        "does not hold" if none.high < floor - _MATTERS else "holds",
        f"Without positions it needs {none.shown()} nats a token, with the report's "
        f"{experiment.figure(experiment.base, TOKEN).shown()}: a difference of {difference.shown(3, '+')}. A bag "
        "of tokens "
        f"cannot tell which came last, so it could not be far below the unigram model's {floor:.3f}. The causal "
        "mask shows "
        "every position another set of tokens, and that tells a model much about order. "
        + ("Positions help, all the same." if difference.above else "Within this budget, positions do not help."),
    )


def _residual(results: Results) -> Outcome:
    experiment = results["norms"]
    without = [name for name in experiment.variants if name.startswith("without-")]
    away, usual = experiment.ran_away(*without), experiment.ran_away(*set(experiment.variants) - set(without))
    differences = {name: experiment.difference(name, TOKEN) for name in without if experiment.has(name, TOKEN)}
    spreads = [experiment.spread(name, TOKEN) for name in (experiment.base, "without-post-rms")]
    unstable = away > usual or spreads[1] > max(10 * spreads[0], 0.5)
    return (
        "holds" if unstable else "does not hold",
        f"{away or 'None'} of {len(without) * experiment.seeds} runs without them ran away, and "
        f"{usual or 'none'} of the "
        f"others. In the report's arrangement the five seeds end within {spreads[1]:.3f} nats a token of each "
        "other (with "
        f"them {spreads[0]:.3f}). What is lost against the report's block: {_list(differences)}. To learn less "
        "is not to be "
        "unstable.",
    )


def _layernorm(results: Results) -> Outcome:
    decay, norms = results["decay"], results["norms"]
    arranged = [name for name in norms.variants if "layer" in name]
    away = decay.ran_away("coupled-layernorm") + norms.ran_away(*arranged)
    coupled = decay.figure("coupled-layernorm", TOKEN)
    worst = max(norms.figure(name, TOKEN).high for name in arranged)
    return (
        "holds" if away or perplexity(max(worst, coupled.high)) > 5000 else "does not hold",
        "In the report's own recipe LayerNorm ends the first epoch at a perplexity of "
        f"{perplexity(coupled.mean):.0f} a token ({perplexity(coupled.low):.0f} … "
        f"{perplexity(coupled.high):.0f}), RMSNorm "
        f"at {perplexity(decay.figure('coupled', TOKEN).mean):.0f}. With decoupled decay, {len(arranged)} "
        "arrangements of "
        f"LayerNorm (pre and post, with and without residuals) stay below {perplexity(worst):.0f}. "
        f"{away or 'No'} run ran "
        "away. Chance is 500.",
    )


def _rmsnorm(results: Results) -> Outcome:
    experiment = results["norms"]
    rms, layer = (["residual-post-" + kind, "residual-pre-" + kind] for kind in ("rms", "layer"))
    post, pre = (experiment.between(b, a, TOKEN) for a, b in zip(rms, layer, strict=True))
    away, of_layer = experiment.ran_away(*rms), experiment.ran_away(*layer)
    spreads = [f"{name} {experiment.spread(name, TOKEN):.4f}" for name in (*rms, *layer)]
    return (
        "cannot be said" if away == of_layer else "holds" if away < of_layer else "does not hold",
        f"{away or 'No'} run of RMSNorm and {of_layer or 'none'} of LayerNorm ran away, so neither is seen to be "
        "less "
        f"stable. "
        * (away == of_layer)
        + f"LayerNorm less RMSNorm: {post.shown(4, '+')} nats a token after the residual sum, "
        f"{pre.shown(4, '+')} before "
        f"the parts. From the best to the worst seed: {', '.join(spreads)}.",
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
        "does not hold" if rise.above else "holds" if rise.high < _MATTERS else "cannot be said",
        f"Trained on 50 positions and scored in windows of {', '.join(map(str, lengths))} tokens, nats a character: "
        f"{'; '.join(rows)}. From 50 to 400 the report's table changes by {rise.shown(3, '+')}.",
    )


def _bpe(results: Results) -> Outcome:
    experiment = results["tokens"]
    difference, fewer = (experiment.difference(n, BITS) for n in ("characters-same-text", "characters"))
    figures = {name: experiment.figure(name, BITS) for name in experiment.variants}
    return (
        "holds" if difference.below else "does not hold" if difference.above else "cannot be said",
        "In bits a character. Characters with as much text a step, and in sight, as BPE of 500, less BPE of 500: "
        f"{difference.shown(3, '+')}; with as many tokens a step, and so half the text: {fewer.shown(3, '+')}. All: "
        f"{_list(figures, sign='')}.",
    )


def _larger(results: Results) -> Outcome:
    size = results["size"]
    differences = {name: size.difference(name, TOKEN) for name in ("4-layers", "width-256", "1-layer", "width-64")}
    larger = [differences["4-layers"], differences["width-256"]]
    neither = all(difference.above for difference in larger)
    return (
        "holds" if any(d.below for d in larger) else "does not hold" if neither else "cannot be said",
        f"With decoupled decay, after {size.steps(size.base):,} steps, against two layers of width 128: "
        f"{_list(differences)} "
        "nats a token. Under the report's own decay nothing can help. For a text so short that a model overfits, "
        "see the table of improvements.",
    )


def _square(results: Results) -> Outcome:
    rows = {row["length"]: row for row in results.attention["rows"]}
    time, memory = rows[50]["share_of_time"], rows[50]["share_of_memory"]
    shares = "; ".join(
        f"at {length:,} positions {row['share_of_time']:.0%} and {row['share_of_memory']:.0%}"
        for length, row in rows.items()
    )
    return (
        "holds" if time > 0.5 or memory > 0.5 else "does not hold",
        "Share of a training step's time that goes into what grows with n² (scores, softmax, reading the "
        "values), and of "
        f"the memory kept for the backward pass that is matrices of queries by keys: {shares}. At the report's "
        "length a "
        "step is the products of its layers; the claim is one about longer contexts.",
    )


def _choices(results: Results) -> Outcome:
    compared = {
        f"{name} {difference.shown(3, '+')} {unit}": difference
        for experiment, figure, unit in (
            (results["learning-rate"], TOKEN, "nats a token"),
            (results["context"], TOKEN, "nats a token"),
            (results["size"], TOKEN, "nats a token"),
            (results["tokens"], BITS, "bits a character"),
        )
        for name in experiment.variants
        if name != experiment.base and experiment.has(name, figure)
        for difference in [experiment.difference(name, figure)]
    }
    better = [shown for shown, difference in compared.items() if difference.below and difference.mean < -_MATTERS]
    none_could_be = all(difference.low > -_MATTERS for difference in compared.values())
    return (
        "does not hold" if better else "holds" if none_could_be else "cannot be said",
        f"With decoupled decay, at equal steps, each changed on its own, these are better by more than {_MATTERS}: "
        f"{'; '.join(better) or 'none'}. Larger models and contexts cost more time a step. Ten epochs of windows "
        "one token "
        "apart are about 500 passes over the text: see the corrected recipe in the table of epochs.",
    )


_TESTS: tuple[tuple[str, Callable[[Results], Outcome]], ...] = (
    (
        "A training perplexity of 1.17 beside 251.56 shows memorisation and strong overfitting; more "
        "regularisation is "
        "needed",
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
        "The learning rate, a context of 50, 2 layers, 128 dimensions, 4 heads, 500 tokens and 10 epochs are "
        "good choices",
        _choices,
    ),
)


def _list(estimates: dict[str, Estimate], sign: str = "+") -> str:
    return ", ".join(f"{name} {estimate.shown(3, sign)}" for name, estimate in estimates.items())
