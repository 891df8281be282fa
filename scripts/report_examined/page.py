"""The page docs/the-report-examined.md, written from its figures."""

from pathlib import Path

from scripts.report_examined.claims import BITS, TOKEN, Claim, claims
from scripts.report_examined.results import EXPERIMENTS, Experiment, Json, Results

from octavo.config import load_preset
from octavo.evaluate import perplexity
from octavo.evaluate.diagnosis.case import ValidationPoint
from octavo.evaluate.diagnosis.diagnosis import EarlyDiagnosis
from octavo.reports.markdown_text import markdown_table

PAGE = Path("docs/the-report-examined.md")
_IN_BITS = ("tokens", "improvements", "pocket")  # experiments with lossless tokenizers


def page(results: Results) -> str:
    """Return the page as Markdown."""
    verdicts = claims(results)
    facts = results.reference["facts"]
    parts = [
        "# The course report examined",
        "This page is written by `python -m scripts.report_examined` from the figures in [docs/report](report); to "
        'check a figure, run the command that is given with it. A course report ("the report" below) trained a '
        "two-block Transformer on Tiny Shakespeare and drew eleven conclusions. Here its experiment is repeated, and "
        "each conclusion is tested.",
        _summary(results, verdicts),
        "## The experiment repeated",
        "`octavo reproduce`, ten epochs in fp32 with seed 42. "
        f"{sum(fact['equal'] for fact in facts)} of {len(facts)} facts of the report's set-up are met: sizes, "
        "splits, parameters, the token ids of an example.",
        _epochs(results),
        "![Loss and perplexity over the epochs](report/reference-epochs.png)",
        _first_epoch(results),
        "![The first epoch: validation loss and weight norm](report/reference-first-epoch.png)",
        _perplexities(results),
        "![Perplexities, and losses of validation batches](report/reference-perplexities.png)",
        _diagnosis(results),
        _runtime(results),
        _attention(results),
        "## The eleven claims",
        _protocol(results),
        _table_of_claims(verdicts),
        *[f"### {claim.number}. {claim.text}\n\n**{claim.verdict}**. {claim.reason}" for claim in verdicts],
        "## Improvements that the report proposes",
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


def _summary(results: Results, verdicts: list[Claim]) -> str:
    holds, refuted, undecided = (
        sum(claim.verdict == verdict for claim in verdicts) for verdict in ("holds", "does not hold", "undecided")
    )
    text = (
        "**In short.** The report's model had learned how frequent each token is, and nothing else: weight decay as "
        "L2 inside Adam shrank its weights during the first epoch. "
    )
    if "decay" in results.experiments:
        ends = {name: results["decay"].figure(name, TOKEN).mean for name in ("coupled", "decoupled")}
        text += (
            "The same model with decoupled decay (AdamW) reaches a validation loss of "
            f"{ends['decoupled']:.2f} nats per token after one epoch instead of {ends['coupled']:.2f}. "
        )
    return (
        f"{text}Of the eleven claims, those that hold: {holds}; that do not hold: {refuted}; undecided: {undecided}."
    )


def _epochs(results: Results) -> str:
    corrected = {row["here"]["epoch"]: row["here"] for row in (results.corrected or {"epochs": []})["epochs"]}
    head = ["epoch", "training loss", "report", "validation loss", "report", "perplexity", "report"]
    rows = []
    for row in results.reference["epochs"]:
        here, report = row["here"], row["report"]
        cells = [str(here["epoch"])]
        for name, form in (("train_loss", ".4f"), ("validation_loss", ".4f"), ("validation_perplexity", ".2f")):
            cells += [f"{here[name]:{form}}", f"{report[name]:{form}}"]
        if corrected:
            other = corrected.get(here["epoch"])
            cells += [f"{other[name]:.4f}" if other else "" for name in ("train_loss", "validation_loss")]
        rows.append(cells)
    text = "Losses are in nats per token of the report's lossy tokenizer and not comparable with others. "
    text += _largest_differences(results)
    if results.corrected:
        head += ["AdamW: training", "validation"]
        text += (
            " The last two columns are the corrected recipe, `octavo reproduce --optimizer.kind=adamw --name "
            f"reference-adamw`{_changes(results.corrected)}."
        )
    return f"{markdown_table(head, rows, escape=str)}\n\n{text}"


def _largest_differences(results: Results) -> str:
    """Return the largest differences to the report's losses, from the second epoch on."""
    later = [row for row in results.reference["epochs"] if row["here"]["epoch"] >= 2 and row["report"]]
    parts = []
    for name, label in (("train_loss", "training"), ("validation_loss", "validation")):
        farthest = max(later, key=lambda row: abs(row["here"][name] - row["report"][name]))
        difference = abs(farthest["here"][name] - farthest["report"][name])
        parts.append(f"the {label} loss by {difference:.4f} (epoch {farthest['here']['epoch']})")
    return f"From the second epoch on they differ from the report's at most: {' and '.join(parts)}."


def _changes(report: Json) -> str:
    others = [f"{name} {change}" for name, change in report["changed_settings"].items() if name != "optimizer.kind"]
    return f" (also {', '.join(others)})" if others else ""


def _first_epoch(results: Results) -> str:
    points = [point for point in results.reference["looks"] if point["epoch"] <= 1]
    lowest = min(points, key=lambda point: float(point["validation_loss"]))
    some = points[3::4]
    table = markdown_table(
        ["step", *(f"{point['step']:,}" for point in some)],
        [
            ["validation loss", *(f"{point['validation_loss']:.3f}" for point in some)],
            ["weight norm", *(f"{point['weight_norm']:.0f}" for point in some)],
        ],
        escape=str,
    )
    return (
        f"The validation loss falls for {100 * lowest['epoch']:.0f} % of the first epoch, to "
        f"{lowest['validation_loss']:.3f} nats per token at step {lowest['step']:,}. Then it rises while the weight "
        f"norm falls:\n\n{table}"
    )


def _perplexities(results: Results) -> str:
    values = results.reference["perplexity"]
    validation, sample, as_reported, unigram = (
        values[name] for name in ("validation", "training_sample", "training_as_reported", "unigram")
    )
    batches = [f"{validation[f'{name}_of_batches']:.3f}" for name in ("standard_deviation", "minimum", "maximum")]
    baseline = unigram["validation_loss"]
    rows = [
        [f"validation, all {validation['windows']:,} windows", validation, "5.53, 251.56"],
        ["training, 10,000 windows, divided as in the report", as_reported, "0.16, 1.17"],
        ["the same, divided by the windows in the sum", sample, ""],
        ["unigram baseline, on validation", {"loss": baseline, "perplexity": perplexity(baseline)}, ""],
    ]
    cells = [
        [label, f"{figures['loss']:.4f}", f"{figures['perplexity']:.2f}", report] for label, figures, report in rows
    ]
    cells.insert(1, ["its batches: standard deviation, minimum, maximum", ", ".join(batches), "", ""])
    return markdown_table(["", "loss", "perplexity", "report"], cells, escape=str)


def _collapse_step(results: Results) -> int | None:
    """Return the step at which Octavo reports the collapse during training, None if it does not."""
    floors = {"unigram": results.reference["perplexity"]["unigram"]["validation_loss"]}
    early = EarlyDiagnosis(load_preset("reference"), floors)
    for values in results.reference["looks"]:
        losses = (values["validation_loss"], values["train_loss"], values["weight_norm"])
        point = ValidationPoint(values["step"], *losses)
        if any(finding.kind == "collapse" for finding in early.update(point, values["epoch"] / 10)):
            return point.step
    return None


def _diagnosis(results: Results) -> str:
    step = _collapse_step(results)
    early = f"; it reports the collapse at step {step:,}, while the run still trains" if step else ""
    findings = [
        f"> **{finding['kind']}**: {finding['words']}. " + (f"*To fix: {finding['fix']}.*" if finding["fix"] else "")
        for finding in results.reference["diagnosis"]
    ]
    return f"Octavo's own findings about this run{early}:\n\n" + "\n>\n".join(findings)


def _runtime(results: Results) -> str:
    here = results.reference["runtime"]
    machine = here["trained_on"]
    rows = [
        ("seconds per epoch", f"{here['seconds_per_epoch']:.0f}", "55"),
        ("total", f"{here['seconds'] / 60:.0f} min", "9.2 min"),
        ("training steps/s", f"{here['training_steps_per_second']:.1f}", "100"),
        ("validation steps/s", f"{here['validation_steps_per_second']:.1f}", "375"),
        ("parameters", f"{here['parameters']:,}", "524,660"),
        ("100 tokens", f"{here['seconds_per_100_tokens']:.2f} s", "0.5 s"),
        ("peak memory", f"{here['peak_memory_bytes'] / 2**30:.2f} GiB", "2 GB"),
    ]
    head = ("", f"here: {machine['processor']}, {machine['threads']} thread", "report: one L4 GPU")
    table = markdown_table(head, rows, escape=str)
    return f"{table}\n\nThe machine had other work during this run, so its times are upper bounds."


def _attention(results: Results) -> str:
    pictures = "\n".join(
        f"![Attention, text {text}, layer {layer}](report/reference-attention-{text}-layer-{layer}.png)"
        for text in ("romeo", "to-be", "first-citizen")
        for layer in (0, 1)
    )
    return (
        "The six attention pictures. In every head each row gives the same weight to all tokens before it: the query "
        f"and key weights have decayed to nothing, so attention is an average.\n\n{pictures}"
    )


def _protocol(results: Results) -> str:
    seeds = max((experiment.seeds for experiment in results.experiments.values()), default=0)
    return (
        "Each experiment is a file in [experiments/reference-claims](../experiments/reference-claims), run with "
        f"`octavo experiment FILE`. It has {seeds} seeds, which are paired: the same batches and, where shapes are "
        "equal, the same initial weights. Matmuls are in bf16, with one thread per run. Intervals are 95 % "
        "bootstrap intervals over the seeds. A difference is the variant minus the base, seed by seed, so that "
        "below zero is better. Scores are over the whole validation split, a fifth of the text. Unless stated "
        "otherwise, the model is the report's with decoupled decay: under the report's own optimizer every variant "
        "ends as the same unigram model. Budgets are short, 800 to 5,601 steps, so the differences are those of "
        "early training."
    )


def _table_of_claims(verdicts: list[Claim]) -> str:
    rows = [[str(claim.number), claim.text, f"**{claim.verdict}**"] for claim in verdicts]
    return markdown_table(["", "claim", "verdict"], rows, escape=str)


def _improvements(results: Results) -> list[str]:
    if "improvements" not in results.experiments:
        return []
    experiment = results["improvements"]
    return [
        "The model with decoupled decay and a lossless tokenizer (byte-level BPE of 500). Regularisation can only "
        "help a model that overfits, and on the whole text this one overfits only after hours of training. So here "
        "it trains on the first tenth of the text at a learning rate of 0.001, for some 44 epochs in "
        f"{experiment.steps(experiment.base):,} steps, and is scored on the next fifth. Early stopping validates on "
        "the last twentieth of the training split of the others, and does not train on it. `pocket` reads as many "
        "tokens. Scores are in bits per character of the original text.",
        _better_and_worse(experiment),
        _table(experiment),
        "![Improvements](report/experiments/improvements.png)",
    ]


def _better_and_worse(experiment: Experiment) -> str:
    """Return the variants, grouped by the interval of their difference to the base."""
    known = [name for name in experiment.variants if name != experiment.base and experiment.has(name, BITS)]
    differences = {name: experiment.difference(name, BITS) for name in known}
    groups = (
        ("Better", [name for name in known if differences[name].below]),
        ("Worse", [name for name in known if differences[name].above]),
        ("No clear difference", [n for n in known if not differences[n].below and not differences[n].above]),
    )
    sentences = (
        f"{title}: "
        f"{', '.join(f'{n} {differences[n].mean:+.3f}' for n in sorted(names, key=lambda n: differences[n].mean))}."
        for title, names in groups
        if names
    )
    return " ".join(sentences)


def _missing(results: Results) -> list[str]:
    missing = [name for name in EXPERIMENTS if name not in results.experiments]
    return [f"Not run yet: {', '.join(missing)}."] if missing else []


def _experiment(experiment: Experiment) -> str:
    picture = f"![{experiment.name}](report/experiments/{experiment.name}.png)"
    return f"### {experiment.values['title']}\n\n{_table(experiment)}\n\n{picture}"


def _table(experiment: Experiment) -> str:
    figure, unit = (BITS, "bits per character") if experiment.name in _IN_BITS else (TOKEN, "nats per token")
    base = f"minus {experiment.base}"
    rows = []
    for variant in experiment.variants:
        if not experiment.has(variant, figure):
            rows.append([variant, f"{experiment.diverged(variant)} of {experiment.seeds} diverged", "", "", "", ""])
            continue
        is_base = variant == experiment.base
        rows.append(
            [
                variant,
                experiment.figure(variant, figure).shown(4),
                "" if is_base else experiment.difference(variant, figure).shown(4, "+"),
                f"{experiment.figure(variant, 'train_loss').mean:.3f}",
                f"{experiment.figure(variant, 'parameters').mean:,.0f}",
                f"{experiment.steps(variant):,}",
            ]
        )
    head = ("variant", unit, base, "training loss, nats per token", "parameters", "steps")
    return markdown_table(head, rows, escape=str)
