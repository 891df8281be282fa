"""The report's eleven claims: what was measured for each, and the verdict that follows from the intervals.

A verdict is worked out from the figures, never typed: another run of the experiments can change it.
"""

from dataclasses import dataclass
from typing import Literal

from scripts.report_examined.results import Estimate, Experiment, Results, perplexity

Verdict = Literal["holds", "does not hold", "cannot be said"]
TOKEN, CHARACTER, BITS = "nats_per_token", "nats_per_character", "bits_per_character"


@dataclass(frozen=True)
class Claim:
    """One claim and what came of it."""

    number: int
    says: str
    verdict: Verdict
    because: str  # Markdown; figures with intervals


def claims(results: Results) -> list[Claim]:
    """All eleven, in order."""
    made = (
        _memorised,
        _converged,
        _bag,
        _residual,
        _layernorm,
        _rmsnorm,
        _extrapolates,
        _bpe,
        _larger,
        _square,
        _choices,
    )
    return [Claim(number, *make(results)) for number, make in enumerate(made, 1)]


Finding = tuple[str, Verdict, str]


def _memorised(results: Results) -> Finding:
    perplexities = results.reference["perplexity"]
    train, held_out = (perplexities[part]["loss"] for part in ("training_sample", "validation"))
    wrong, floor = perplexities["training_as_reported"], perplexities["unigram"]["validation_loss"]
    improved = results["improvements"]
    stronger = {name: improved.difference(name, BITS) for name in ("dropout-0.2", "decay-0.1", "decay-1")}
    helped = [name for name, difference in stronger.items() if difference.below]
    memorised = held_out - train > 0.1
    return (
        "A training perplexity of 1.17 against 251.56 shows memorisation and strong overfitting; more "
        "regularisation is "
        "needed",
        "holds" if memorised else "does not hold",
        f"Divided by the windows that were summed, the training loss is {train:.3f} (perplexity "
        f"{perplexity(train):.1f}), the held-out loss {held_out:.3f}: the same, and the unigram model's "
        f"({floor:.3f}). "
        f"{wrong['loss']:.3f} comes out when a sum over 10,000 windows is divided by all 358,453. Nothing was "
        "memorised. "
        "The mend is less regularisation of one kind: decoupled decay takes "
        f"{-_difference(results['decay'], 'decoupled', TOKEN).mean:.2f} nats off every token after one epoch "
        "(below). "
        "On the corrected model, "
        + (f"{_and(helped)} helped" if helped else "neither more dropout nor more decay helped")
        + f" ({_list(stronger)} bits a character).",
    )


def _converged(results: Results) -> Finding:
    epochs = {row["here"]["epoch"]: row["here"] for row in results.reference["epochs"]}
    floor = results.reference["perplexity"]["unigram"]["validation_loss"]
    even = max(
        value for text in results.reference["attention"] for layer in text["distance_from_even"] for value in layer
    )
    return (
        "The model converged by epoch 3; it learned local and longer-range patterns; its heads and layers specialise",
        "does not hold",
        f"It converged, to the unigram model: held-out loss {epochs[3]['validation_loss']:.4f} at epoch 3 and "
        f"{epochs[max(epochs)]['validation_loss']:.4f} at epoch {max(epochs)}, where counting tokens gives "
        f"{floor:.4f}. Every head of "
        f"both layers attends evenly to all tokens before it: no weight is further than {even:.1g} from the even "
        "share, so "
        "none has a speciality. Whether heads of the *corrected* model specialise waits for the tools that "
        "measure it.",
    )


def _bag(results: Results) -> Finding:
    experiment = results["positions"]
    none, base = experiment.figure("none", TOKEN), experiment.figure("sinusoidal-500", TOKEN)
    difference = experiment.difference("none", TOKEN)
    floor = results.reference["perplexity"]["unigram"]["validation_loss"]
    bag = none.high > 0.99 * floor
    return (
        "Without positions the model is a bag of tokens; with them sequences become coherent",
        "holds" if bag and difference.above else "does not hold",
        f"Without positions it needs {none.shown()} nats a token, with them {base.shown()}; the difference is "
        f"{difference.shown(3, '+')}. A bag of tokens cannot do better than the unigram model's {floor:.3f}: the "
        "causal mask "
        "alone tells a model much about order, since every position sees another set of tokens. "
        + ("Positions do help." if difference.above else "Positions did not help within this budget."),
    )


def _residual(results: Results) -> Finding:
    experiment = results["norms"]
    names = [name for name in experiment.variants if name.startswith("without-")]
    failed = {name: len(experiment.failures.get(name, [])) for name in names}
    worse = {name: experiment.difference(name, TOKEN) for name in names if experiment.has(name, TOKEN)}
    report = worse.get("without-post-rms")
    unstable = sum(failed.values()) > 0 or bool(
        report and report.above and _spread(experiment, "without-post-rms") > 0.1
    )
    verdict: Verdict = "holds" if unstable else "does not hold"
    return (
        "Without residual connections training is unstable",
        verdict,
        (
            f"{sum(failed.values())} of {sum(experiment.seeds for _ in names)} runs without them ended early. "
            if any(failed.values())
            else "No run without them failed or diverged. "
        )
        + f"They cost, in nats a token against the report's block: {_list(worse)}. "
        + ("" if unstable else "It learns less, and steadily: that is not instability."),
    )


def _layernorm(results: Results) -> Finding:
    decay, norms = results["decay"], results["norms"]
    coupled = decay.figure("coupled-layernorm", TOKEN)
    others = {name: norms.figure(name, TOKEN) for name in norms.variants if name.endswith("-layer")}
    highest = max([coupled.high, *(e.high for e in others.values())])
    return (
        "LayerNorm in place of RMSNorm sent the perplexity over 5000",
        "holds" if perplexity(highest) > 5000 else "does not hold",
        "With LayerNorm the report's own recipe ends its first epoch at a perplexity of "
        f"{perplexity(coupled.mean):.0f} a token "
        f"({perplexity(coupled.low):.0f} … {perplexity(coupled.high):.0f}); with RMSNorm at "
        f"{perplexity(decay.figure('coupled', TOKEN).mean):.0f}. The worst of {len(others)} arrangements with "
        "decoupled decay is at "
        f"{perplexity(max(e.mean for e in others.values())):.0f}. Chance is 500.",
    )


def _rmsnorm(results: Results) -> Finding:
    experiment = results["norms"]
    pairs = [("residual-post-rms", "residual-post-layer"), ("residual-pre-rms", "residual-pre-layer")]
    layer = pairs[0][1]
    difference = experiment.difference(layer, TOKEN)
    spreads = {name: _spread(experiment, name) for pair in pairs for name in pair}
    steadier = all(spreads[b] > 2 * spreads[a] for a, b in pairs)
    verdict: Verdict = "holds" if steadier or difference.mean > 0.1 else "cannot be said"
    return (
        "RMSNorm is the more stable norm",
        verdict,
        f"LayerNorm less RMSNorm, post-norm: {difference.shown(4, '+')} nats a token; pre-norm "
        f"{_minus(experiment, 'residual-pre-layer', 'residual-pre-rms'):+.4f}. Five seeds span "
        + ", ".join(f"{spread:.4f} ({name})" for name, spread in spreads.items())
        + ". No run of either failed.",
    )


def _extrapolates(results: Results) -> Finding:
    experiment = results["positions"]
    at = {
        name: [experiment.figure(name, f"{CHARACTER}@{context}") for context in (50, 100, 200, 400)]
        for name in experiment.variants
    }
    sinusoidal = at["sinusoidal-500"]
    rises = sinusoidal[1].low > sinusoidal[0].high
    longer = ", ".join(f"{name} {' / '.join(f'{estimate.mean:.3f}' for estimate in row)}" for name, row in at.items())
    return (
        "Sinusoidal positions extrapolate to lengths not seen in training",
        "does not hold" if rises else "holds",
        "Scored in windows of 50 (as trained), 100, 200 and 400 tokens, nats a character: "
        + longer
        + ". "
        + (
            "The report's table makes the model worse past its training length."
            if rises
            else "The report's table keeps its score."
        ),
    )


def _bpe(results: Results) -> Finding:
    experiment = results["tokens"]
    characters = experiment.difference("characters", BITS)
    figures = {name: experiment.figure(name, BITS) for name in experiment.variants}
    harder = characters.below
    return (
        "BPE shortens the sequence but makes word-level patterns harder to learn than characters do",
        "holds" if harder else "does not hold" if characters.above else "cannot be said",
        f"At as many tokens a step: {_list(figures, sign='')} bits a character. Characters less BPE of 500: "
        f"{characters.shown(3, '+')}.",
    )


def _larger(results: Results) -> Finding:
    experiment = results["size"]
    differences = {
        name: experiment.difference(name, TOKEN) for name in ("4-layers", "width-256", "1-layer", "width-64")
    }
    better = [name for name in ("4-layers", "width-256") if differences[name].below]
    longer = {name: results["improvements"].difference(name, BITS) for name in ("4-layers", "width-256")}
    return (
        "More layers or width might help",
        "holds" if better else "does not hold",
        f"Once decay is decoupled, against two layers of width 128: {_list(differences)} nats a token after "
        f"{experiment.steps('report'):,} steps; after {results['improvements'].steps('corrected'):,} steps with "
        "a tokenizer that keeps the "
        f"text {_list(longer)} bits a character.",
    )


def _square(results: Results) -> Finding:
    rows = {row["length"]: row for row in results.attention["rows"]}
    at_50 = rows[50]
    dominates = at_50["share_of_time"] > 0.5 or at_50["share_of_memory"] > 0.5
    shares = "; ".join(
        f"at {length:,} positions {row['share_of_time']:.0%} of the time and {row['share_of_memory']:.0%} of the "
        "memory"
        for length, row in rows.items()
    )
    return (
        "Attention's O(n²) is the main bottleneck; attention matrices dominate memory",
        "holds" if dominates else "does not hold",
        "Share of a training step's time that its n² operators take, and of the memory kept for the backward "
        "pass that its "
        f"matrices take: {shares}. At the report's 50 it is the matrix products of the layers that cost.",
    )


def _choices(results: Results) -> Finding:
    rate, context, size, tokens = (results[name] for name in ("learning-rate", "context", "size", "tokens"))
    better = [
        *(
            f"a learning rate of {name.removeprefix('lr-')} ({rate.difference(name, TOKEN).shown(3, '+')} nats a "
            "token)"
            for name in rate.variants
            if name != rate.base and rate.difference(name, TOKEN).below
        ),
        *(
            f"a context of {name.removeprefix('context-')} ({context.difference(name, TOKEN).shown(3, '+')} nats "
            "a token)"
            for name in context.variants
            if name != context.base and context.difference(name, TOKEN).below
        ),
        *(
            f"{name.replace('-', ' ')} ({size.difference(name, TOKEN).shown(3, '+')} nats a token)"
            for name in size.variants
            if name != size.base and size.difference(name, TOKEN).below
        ),
        *(
            f"{name} ({tokens.difference(name, BITS).shown(3, '+')} bits a character)"
            for name in tokens.variants
            if name != tokens.base and tokens.difference(name, BITS).below
        ),
    ]
    return (
        "The learning rate, a context of 50, 2 layers, 128 dimensions, 4 heads, 500 tokens and 10 epochs are "
        "good choices",
        "does not hold" if better else "holds",
        "With decoupled decay, better than the choice made, each on its own: "
        + ("; ".join(better) or "none")
        + ". Ten epochs of "
        "windows one token apart are some 500 passes over the text; the table of the corrected recipe shows what "
        "they do.",
    )


def _difference(experiment: Experiment, variant: str, name: str) -> Estimate:
    return experiment.difference(variant, name)


def _spread(experiment: Experiment, variant: str) -> float:
    """Between the best and the worst seed, in nats a token."""
    values = [row[TOKEN] for row in experiment.values["rows"] if row["variant"] == variant and row[TOKEN] is not None]
    return float(max(values) - min(values))


def _minus(experiment: Experiment, one: str, other: str) -> float:
    return experiment.figure(one, TOKEN).mean - experiment.figure(other, TOKEN).mean


def _list(estimates: dict[str, Estimate], sign: str = "+") -> str:
    return ", ".join(f"{name} {estimate.shown(3, sign)}" for name, estimate in estimates.items())


def _and(names: list[str]) -> str:
    return " and ".join(names)
