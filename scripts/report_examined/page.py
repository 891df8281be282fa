"""The page itself, from its figures."""

from pathlib import Path

from scripts.report_examined.claims import BITS, TOKEN, Claim, claims
from scripts.report_examined.results import EXPERIMENTS, Experiment, Json, Results

from octavo.config import load_preset
from octavo.evaluate import perplexity
from octavo.evaluate.diagnosis import EarlyDiagnosis, ValidationPoint

PAGE = Path("docs/the-report-examined.md")
_MARK = {"holds": "**holds**", "does not hold": "**does not hold**", "cannot be said": "**cannot be said**"}
_COMPARES = ("tokens", "improvements", "pocket")  # in bits a character: their tokenizers keep the text


def page(results: Results) -> str:
    """Markdown."""
    made = claims(results)
    parts = [
        "# The report examined",
        "This page is written by `python -m scripts.report_examined` from the figures in [docs/report](report); "
        "to check one, "
        "run the command beside it. A course report trained a two-block Transformer on Tiny Shakespeare and drew "
        "eleven "
        "conclusions. Here its experiment is run again, number by number, and each conclusion is put to the test.",
        _in_short(results, made),
        "## The experiment again",
        "`octavo reproduce`, ten epochs in fp32 with seed 42. Every fact of the report's set-up is met "
        f"({sum(fact['equal'] for fact in results.reference['facts'])} of {len(results.reference['facts'])} "
        "checked: sizes, "
        "splits, parameters, the ids of an example).",
        _epochs(results),
        "![Loss and perplexity over the epochs](report/reference-epochs.png)",
        _first_epoch(results),
        "![The first epoch: held-out loss and length of the weights](report/reference-first-epoch.png)",
        _perplexities(results),
        "![Perplexities, and losses of validation batches](report/reference-perplexities.png)",
        _diagnosis(results),
        _runtime(results),
        _attention(results),
        "## The eleven claims",
        f"{_protocol(results)}",
        _table_of_claims(made),
        *[f"### {claim.number}. {claim.says}\n\n{_MARK[claim.verdict]}. {claim.because}" for claim in made],
        "## What the report says might help",
        *_improvements(results),
        "## Every experiment",
        *[
            _experiment(results[name])
            for name in EXPERIMENTS
            if name in results.experiments and name != "improvements"
        ],
        *_missing(results),
    ]
    return "\n\n".join(parts) + "\n"


def _in_short(results: Results, made: list[Claim]) -> str:
    counts = {verdict: sum(claim.verdict == verdict for claim in made) for verdict in _MARK}
    text = (
        "**In short.** The report's model had learned how frequent each token is, and nothing else: weight decay "
        "as L2 "
        "inside Adam melted its weights during the first epoch. "
    )
    if "decay" in results.experiments:
        ends = {name: results["decay"].figure(name, TOKEN).mean for name in ("coupled", "decoupled")}
        text += (
            f"The same model with decoupled decay (AdamW) needs {ends['decoupled']:.2f} nats a token after one epoch "
            f"instead of {ends['coupled']:.2f}. "
        )
    return text + (
        f"Of the eleven claims {counts['holds']} hold, {counts['does not hold']} do not, and of "
        f"{counts['cannot be said']} it cannot be said."
    )


def _epochs(results: Results) -> str:
    mended = {row["here"]["epoch"]: row["here"] for row in (results.corrected or {"epochs": []})["epochs"]}
    head = ["epoch", "training loss", "report", "validation loss", "report", "perplexity", "report"]
    rows = []
    for row in results.reference["epochs"]:
        here, report = row["here"], row["report"]
        cells = [str(here["epoch"])]
        for name, form in (("train_loss", ".4f"), ("validation_loss", ".4f"), ("validation_perplexity", ".2f")):
            cells += [f"{here[name]:{form}}", f"{report[name]:{form}}"]
        if mended:
            other = mended.get(here["epoch"])
            cells += [f"{other[name]:.4f}" if other else "" for name in ("train_loss", "validation_loss")]
        rows.append(cells)
    said = "Losses in nats per token of the report's tokenizer, which loses white space: they compare with no other. "
    said += _nearness(results)
    if results.corrected:
        head += ["AdamW: training", "validation"]
        said += (
            " The last two columns are the corrected recipe, `octavo reproduce --optimizer.kind=adamw --name "
            f"reference-adamw`{_changes(results.corrected)}."
        )
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + f"\n\n{said}"


def _nearness(results: Results) -> str:
    """How far from the report's the losses are, from the second epoch on."""
    later = [row for row in results.reference["epochs"] if row["here"]["epoch"] >= 2 and row["report"]]
    parts = []
    for name, what in (("train_loss", "training"), ("validation_loss", "validation")):
        furthest = max(later, key=lambda row: abs(row["here"][name] - row["report"][name]))
        distance = abs(furthest["here"][name] - furthest["report"][name])
        parts.append(f"the {what} loss by {distance:.4f} (epoch {furthest['here']['epoch']})")
    return f"From the second epoch on they differ from the report's at most: {' and '.join(parts)}."


def _changes(report: Json) -> str:
    others = [f"{name} {change}" for name, change in report["changed_settings"].items() if name != "optimizer.kind"]
    return f" (also {', '.join(others)})" if others else ""


def _first_epoch(results: Results) -> str:
    looks = [look for look in results.reference["looks"] if look["epoch"] <= 1]
    lowest = min(looks, key=lambda look: float(look["validation_loss"]))
    shown = looks[3::4]
    rows = [
        ("step", [f"{look['step']:,}" for look in shown]),
        ("held-out loss", [f"{look['validation_loss']:.3f}" for look in shown]),
        ("length of the weights", [f"{look['weight_norm']:.0f}" for look in shown]),
    ]
    lines = ["| " + " | ".join([name, *cells]) + " |" for name, cells in rows]
    lines.insert(1, "|" + "---|" * (len(shown) + 1))
    return (
        f"For {lowest['epoch']:.0%} of the first epoch it learns: down to {lowest['validation_loss']:.3f} nats a "
        "token at "
        f"step {lowest['step']:,}. Then it unlearns, while its weights melt:\n\n" + "\n".join(lines)
    )


def _perplexities(results: Results) -> str:
    values = results.reference["perplexity"]
    validation, sample, wrong, unigram = (
        values[name] for name in ("validation", "training_sample", "training_as_reported", "unigram")
    )
    return "\n".join(
        [
            "| what | loss | perplexity | report |",
            "|---|---|---|---|",
            f"| validation, all {validation['windows']:,} windows | {validation['loss']:.4f} | "
            f"{validation['perplexity']:.2f} | 5.53, 251.56 |",
            "| of its batches: standard deviation, minimum, maximum | "
            f"{validation['standard_deviation_of_batches']:.3f}, "
            f"{validation['minimum_of_batches']:.3f}, {validation['maximum_of_batches']:.3f} | | |",
            f"| training, 10,000 windows, as the report divides | {wrong['loss']:.4f} | "
            f"{wrong['perplexity']:.2f} | 0.16, 1.17 |",
            f"| the same, divided by what was summed | {sample['loss']:.4f} | {sample['perplexity']:.2f} | |",
            f"| unigram model of the training tokens, on validation | {unigram['validation_loss']:.4f} | "
            f"{perplexity(unigram['validation_loss']):.2f} | |",
        ]
    )


def _collapse_told(results: Results) -> int | None:
    """The step at which a run with these looks is told of its collapse."""
    floors = {"unigram": results.reference["perplexity"]["unigram"]["validation_loss"]}
    early = EarlyDiagnosis(load_preset("reference"), floors)
    for values in results.reference["looks"]:
        look = ValidationPoint(values["step"], values["validation_loss"], values["train_loss"], values["weight_norm"])
        if any(finding.kind == "collapse" for finding in early.update(look, values["epoch"] / 10)):
            return look.step
    return None


def _diagnosis(results: Results) -> str:
    step = _collapse_told(results)
    early = f"; the collapse it tells at step {step:,} already, while the run still trains" if step else ""
    lines = [f"What Octavo itself says of this run{early}:", ""]
    for finding in results.reference["diagnosis"]:
        lines.append(
            f"> **{finding['kind']}**: {finding['words']}. " + (f"*{finding['mend']}.*" if finding["mend"] else "")
        )
        lines.append(">")
    return "\n".join(lines[:-1])


def _runtime(results: Results) -> str:
    here = results.reference["runtime"]
    machine = here["trained_on"]
    rows = [
        ("seconds an epoch", f"{here['seconds_per_epoch']:.0f}", "55"),
        ("in all", f"{here['seconds'] / 60:.0f} min", "9.2 min"),
        ("training steps/s", f"{here['training_steps_per_second']:.1f}", "100"),
        ("validation steps/s", f"{here['validation_steps_per_second']:.1f}", "375"),
        ("parameters", f"{here['parameters']:,}", "524,660"),
        ("100 tokens", f"{here['seconds_per_100_tokens']:.2f} s", "0.5 s"),
        ("peak memory", f"{here['peak_memory_bytes'] / 2**30:.2f} GiB", "2 GB"),
    ]
    lines = [
        f"| what | here: {machine['processor']}, {machine['threads']} thread | report: one L4 GPU |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {mine} | {theirs} |" for name, mine, theirs in rows]
    return "\n".join(lines) + "\n\nOther work shared the machine while this ran, so its times are upper bounds."


def _attention(results: Results) -> str:
    pictures = "\n".join(
        f"![Attention, text {text}, layer {layer}](report/reference-attention-{text}-layer-{layer}.png)"
        for text in ("romeo", "to-be", "first-citizen")
        for layer in (0, 1)
    )
    return (
        "The six attention pictures. Each row is the same share for every token before it, in every head: with "
        "nothing left "
        f"in its queries and keys, attention is an average.\n\n{pictures}"
    )


def _protocol(results: Results) -> str:
    seeds = max((experiment.seeds for experiment in results.experiments.values()), default=0)
    return (
        "Each experiment is a file in [experiments/reference-claims](../experiments/reference-claims): `octavo "
        "experiment FILE`. "
        f"{seeds} seeds each, paired: the same batches and, where shapes allow, the same first weights. "
        "Products in bf16, one "
        "thread a run. Intervals are 95 % bootstrap intervals over seeds; a difference is the variant less the "
        "base, seed by seed, so "
        "below zero is better. Scores are over the whole held-out fifth. Unless it says otherwise, the report's "
        "model with "
        "decoupled decay: under the report's own optimizer every variant ends as the same unigram model. Budgets are "
        "short, 800 to 5,601 steps, so differences are those of a beginning."
    )


def _table_of_claims(made: list[Claim]) -> str:
    lines = ["| | claim | verdict |", "|---|---|---|"]
    return "\n".join(lines + [f"| {claim.number} | {claim.says} | {_MARK[claim.verdict]} |" for claim in made])


def _improvements(results: Results) -> list[str]:
    if "improvements" not in results.experiments:
        return []
    experiment = results["improvements"]
    return [
        "The model with decoupled decay and a tokenizer that keeps the text (byte-level BPE of 500). Regularisation "
        "can only help where a model overfits, and on the whole text this one begins to after hours of reading; "
        "so it "
        "learns from the first tenth of the text here, at a learning rate of 0.001, which it goes through some 44 "
        f"times in {experiment.steps(experiment.base):,} steps, and is scored on the next fifth. Early stopping "
        "looks at the last twentieth of what the others learn from, and does not learn from that. `pocket` reads as "
        "many tokens. Bits per character of the original text.",
        _what_helps(experiment),
        _table(experiment),
        "![What helps](report/experiments/improvements.png)",
    ]


def _what_helps(experiment: Experiment) -> str:
    """The variants by what their intervals say of the difference to the base."""
    known = [name for name in experiment.variants if name != experiment.base and experiment.has(name, BITS)]
    found = {name: experiment.difference(name, BITS) for name in known}
    groups = (
        ("Better", [name for name in known if found[name].below]),
        ("Worse", [name for name in known if found[name].above]),
        ("No difference is seen", [name for name in known if not found[name].below and not found[name].above]),
    )
    told = (
        f"{title}: {', '.join(f'{n} {found[n].mean:+.3f}' for n in sorted(names, key=lambda n: found[n].mean))}."
        for title, names in groups
        if names
    )
    return " ".join(told)


def _missing(results: Results) -> list[str]:
    missing = [name for name in EXPERIMENTS if name not in results.experiments]
    return [f"Not run yet: {', '.join(missing)}."] if missing else []


def _experiment(experiment: Experiment) -> str:
    picture = f"![{experiment.name}](report/experiments/{experiment.name}.png)"
    return f"### {experiment.values['title']}\n\n{_table(experiment)}\n\n{picture}"


def _table(experiment: Experiment) -> str:
    figure, unit = (BITS, "bits a character") if experiment.name in _COMPARES else (TOKEN, "nats a token")
    lines = [
        f"| variant | {unit} | less {experiment.base} | training loss, nats a token | parameters | steps |",
        "|---|---|---|---|---|---|",
    ]
    for variant in experiment.variants:
        if not experiment.has(variant, figure):
            lines.append(f"| {variant} | {experiment.ran_away(variant)} of {experiment.seeds} ran away | | | | |")
            continue
        compared = "" if variant == experiment.base else experiment.difference(variant, figure).shown(4, "+")
        cells = [
            variant,
            experiment.figure(variant, figure).shown(4),
            compared,
            f"{experiment.figure(variant, 'train_loss').mean:.3f}",
            f"{experiment.figure(variant, 'parameters').mean:,.0f}",
            f"{experiment.steps(variant):,}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
