"""The sections of the report of one run, and the facts of a run by name."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from octavo.config import BUDGETS, load_preset
from octavo.config.inference import head_windows
from octavo.evaluate import Memorisation
from octavo.evaluate.diagnosis.rules import memorisation_figures
from octavo.evaluate.fine_tuning import load_fine_tuning, overlap_lines
from octavo.evaluate.overlap import HighlightedCopies
from octavo.evaluate.run_scores import load_memorisation, standard_evaluation
from octavo.formats.toml_schema import as_mapping
from octavo.interpret.head_ablation import ABLATIONS
from octavo.reports import blocks
from octavo.reports.blocks import Block, Section, Unavailable, sentence, try_compute
from octavo.reports.collect import read_findings, read_samples, read_score, saved_baselines
from octavo.reports.costs import Costs, read_costs
from octavo.reports.recipe import nearest_preset, recipe, setting_texts
from octavo.reports.score_table import best_baseline, score_dots
from octavo.reports.views import attention_view, curves_view, heads_view, lens_view, surprise_view
from octavo.runs.extension import extension_notes
from octavo.runs.metrics import ending_texts
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import PhaseCallback, no_phase_progress
from octavo.system.terminal import capitalize_first, duration, quantity
from octavo.training.flops import forward_flops

_SPLIT_NAMES = {"train": "Training split", "validation": "Validation split", "test": "Test split"}
_MAX_DOCUMENTS = 5  # that are named
MFU = "MFU"
_RunBuilder = Callable[[SavedRun], Sequence[Block]]
_ATTENTION_TOKENS = 48  # of the validation split
_MAX_WEIGHTS = 400_000  # of attention on one page: a byte each
_LENS_TOKENS = 40
_SURPRISE_CHARACTERS = 800


def cost_facts(costs: Costs) -> dict[str, str]:
    """Return time, speed, memory and MFU."""
    machine, utilisation = costs.machine, costs.utilisation
    return {
        "Time": f"{duration(costs.seconds)}, {100 * costs.step_fraction:.0f} % of it in steps"
        + (f"; {costs.sessions} sessions" if costs.sessions > 1 else ""),
        "Amount": f"{quantity(costs.steps, 'step')}, {costs.epochs:.1f} epochs, {quantity(costs.tokens, 'token')}",
        "Speed": f"{costs.steps_per_second:.3g} steps, {costs.tokens_per_second:,.0f} tokens a second",
        "Peak memory": f"{costs.peak_memory_bytes / 2**20:,.0f} MiB" if costs.peak_memory_bytes else "unknown",
        "Machine": f"{machine['processor']}, {quantity(machine['cores'], 'core')}, "
        f"{quantity(machine['threads'], 'thread')}",
        "Precision": f"{costs.precision} in training, fp32 for the score",
        MFU: utilisation.why
        if isinstance(utilisation, Unavailable)
        else f"{100 * utilisation.mfu:.0f} %: {_giga(utilisation.flops_per_second)} of "
        f"{_giga(utilisation.matmul_rate)} GFLOP/s",
    }


def _giga(rate: float) -> str:
    return f"{rate / 1e9:,.0f}"


_PASSAGE = "The text is the beginning of the validation split, which the model was not trained on."
_PASSAGE_SCORE = f"{_PASSAGE} Its surprisal differs from the score, which is of the complete validation split."
_WINDOWS = (
    "Heads are measured over windows of the validation split, each read with an empty context. Bits per character "
    "over these windows differ from the score, for which the model reads the complete validation split with more "
    "context before most tokens."
)
_SCORE = (
    "The score is the number of bits per character that the model needs for text it was not trained on: lower is "
    "better. Other values on this page are of other windows or of less text, and say so."
)
_MFU = (
    "MFU (model FLOPs utilisation) is the arithmetic of the model per second, divided by the throughput of matrix "
    "products of the same precision on this machine, which was measured on one thread when this page was made and "
    "multiplied by the number of threads. The arithmetic counts every weight that is multiplied and every pair of "
    "positions of causal attention, forward once and backward twice. Embedding lookups, masked pairs and the "
    "optimizer do not count."
)


def sections(run: SavedRun, watch: PhaseCallback = no_phase_progress) -> list[Section]:
    """Return the sections of the report of a run, which are built when they are rendered.

    `watch` is called with the fraction of long work that is done.
    """

    def section(key: str, title: str, question: str, *builders: _RunBuilder, activity: str = "") -> Section:
        return Section(key, title, [partial(build, run) for build in builders], question, activity)

    heads = partial(_heads, watch=watch)
    return [
        section("trained", "Text and model", "", _text, _model),
        section("score", "Score", "How well does it predict?", _score, activity="reading score and diagnosis"),
        section("diagnosis", "Diagnosis", "", findings_blocks),
        section(
            "curves", "Training curves", "How did training go?", lambda run: [blocks.Curves([curves_view(run).curve])]
        ),
        section(
            "attention", "Attention", "Where do its heads look?", _attention, activity="reading attention and layers"
        ),
        section(
            "heads", "Head table", "What does each head do?", heads, activity="measuring and ablating every head"
        ),
        section("surprise", "Surprisal", "Which text surprises it?", _surprise),
        section("layers", "Logit lens", "What would each layer predict?", _lens),
        section("samples", "Samples", "What does it generate?", _samples, activity="searching samples for copies"),
        section("costs", "Cost", "What did training take?", _costs, activity="measuring this machine"),
        section("settings", "Settings", "", _settings),
        section("origin", "Provenance", "Where does it come from?", _origin),
        section("again", "Reproduce", "How can it be trained again?", _recipe),
    ]


def lead(run: SavedRun) -> str:
    """Describe a run in a sentence, as far as it is known."""

    def training() -> str:
        provenance, last = run.directory.provenance, run.metrics[-1]
        how = f"fine-tuned from {provenance['parent']['name']}" if "parent" in provenance else "trained"
        return (
            f"A Transformer of {provenance['parameters']:,} parameters, {how} on {provenance['text']['name']} for "
            f"{duration(last['seconds'])} ({last['epoch']:.1f} epochs)"
        )

    def score() -> str:
        evaluation = standard_evaluation(run)
        best = best_baseline(evaluation, saved_baselines(run))
        compared = f"; the best baseline, {best.name}, needs {best.bits_per_character:.3f}" if best else ""
        return f": it needs {evaluation.bits_per_character:.3f} bits per character of the validation split{compared}."

    trained, scored = try_compute(training), try_compute(score)
    beginning = f"{run.name}, a Transformer" if isinstance(trained, Unavailable) else trained
    return beginning + (": it has no score yet." if isinstance(scored, Unavailable) else scored)


def _text(run: SavedRun) -> Sequence[Block]:
    """Show the text and its splits in characters and in tokens, without BOS tokens."""
    text, splits, tokenizer = run.directory.provenance["text"], run.splits, run.tokenizer
    tokens = {name: int(np.count_nonzero(split.ids != tokenizer.bos_id)) for name, split in splits.items()}
    documents = f" in {text['documents']:,} documents" if text["documents"] > 1 else ""
    facts = {
        "Text": f"{text['name']}: {quantity(text['characters'], 'character')}{documents}",
        **{
            _SPLIT_NAMES[name]: f"{quantity(split.facts.characters, 'character')}, {quantity(tokens[name], 'token')}"
            for name, split in splits.items()
        },
        "Vocabulary": f"{quantity(tokenizer.vocab_size, 'token')}, of "
        f"{splits['train'].facts.characters / tokens['train']:.2f} characters on average",
    }
    return [blocks.Facts(facts)]


def _model(run: SavedRun) -> Sequence[Block]:
    """Show the architecture of the model and how it was trained."""
    config = run.config
    model, train = config.model, config.train
    budgets = {budget: getattr(train, budget) for budget in BUDGETS}
    order = "before" if model.norm_order == "pre" else "after"
    facts = {
        "Parameters": f"{run.directory.provenance['parameters']:,}",
        "Layers": f"{model.n_layers} of {quantity(model.n_heads, 'head')}, {model.d_model} wide, "
        f"feed-forward {model.d_ff} wide",
        "Blocks": f"{model.position} positions, {model.norm} norm {order} each sublayer, {model.feedforward}",
        "Context": f"{config.data.context_length} tokens, {quantity(config.data.batch_size, 'window')} a step",
        "Tokenizer": config.tokenizer.kind,
        "Optimizer": f"{config.optimizer.kind}, {config.schedule.kind} schedule",
        "Budget": next(f"{n:,g} {name[:-1] if n == 1 else name}" for name, n in budgets.items() if n),
        "Seed": str(train.seed),
    }
    return [blocks.Facts(facts)]


def _score(run: SavedRun) -> Sequence[Block]:
    score = read_score(run)
    missing = [] if score.baselines else ["There are no baselines yet: evaluate the run to compute them."]
    return [blocks.Sentences([_SCORE, *missing]), score_dots(score), *_fine_tuning(run)]


def _fine_tuning(run: SavedRun) -> list[Block]:
    """Show the scores of a fine-tuned run on both validation splits, before and after; nothing of another run."""
    result = load_fine_tuning(run)
    if result is None:
        return []
    table = [
        (name, f"{before.bits_per_character:.4f}", f"{after.bits_per_character:.4f}")
        for name, before, after in result.rows()
    ]
    overlap = run.directory.provenance["parent"].get("overlap")
    sentences = [
        f"The run was fine-tuned from {result.parent}. Before: the weights of {result.parent}; after: those of this "
        "run. All scores are in bits per character, computed alike.",
        *map(sentence, overlap_lines(overlap, result.parent)),
    ]
    return [blocks.Sentences(sentences), blocks.Table(("text", "before", "after"), table)]


def findings_blocks(run: SavedRun) -> list[Block]:
    """Return the findings of a run, or that there are none.

    Raises:
        OctavoError: there is no diagnosis.
    """
    findings = read_findings(run)
    return [blocks.Findings(findings) if findings else blocks.Sentences(["There are no findings."])]


def _attention(run: SavedRun) -> Sequence[Block]:
    """Show a passage that can be read, and fewer tokens of a model with many heads."""
    config = run.config
    heads = config.model.n_layers * config.model.n_heads
    limit = math.isqrt(2 * _MAX_WEIGHTS // heads)
    tokens = max(2, min(_ATTENTION_TOKENS, config.data.context_length, limit))
    return [blocks.Sentences([_PASSAGE]), attention_view(run, max_tokens=tokens)]


def _heads(run: SavedRun, watch: PhaseCallback) -> Sequence[Block]:
    """Measure heads over the usual number of windows, and over fewer in a large model: each ablation is a pass."""
    model, context = run.model, run.config.data.context_length
    passes = len(ABLATIONS) * model.config.n_layers * model.config.n_heads
    windows = head_windows(passes * context * forward_flops(model, context))
    return [blocks.Sentences([_WINDOWS]), heads_view(run, windows=windows, watch=partial(watch, "measuring heads"))]


def _surprise(run: SavedRun) -> Sequence[Block]:
    return [blocks.Sentences([_PASSAGE_SCORE]), surprise_view(run, run.validation_beginning(_SURPRISE_CHARACTERS))]


def _lens(run: SavedRun) -> Sequence[Block]:
    tokens = min(_LENS_TOKENS, run.config.data.context_length)
    return [blocks.Sentences([_PASSAGE]), lens_view(run, max_tokens=tokens)]


def _samples(run: SavedRun) -> Sequence[Block]:
    (captions, copies), memorisation = read_samples(run), try_compute(partial(load_memorisation, run))
    notes = sample_notes(copies, None if isinstance(memorisation, Unavailable) else memorisation)
    return [blocks.Samples(copies, notes, captions)]


def sample_notes(copies: HighlightedCopies, memorisation: Memorisation | None) -> list[str]:
    """Return which text is marked and how much is copied, in sentences."""
    notes = [
        f"Marked: text copied verbatim from the training split in spans of {copies.min_length} characters or more. "
        f"It is {100 * copies.fraction:.1f} % of these samples, and {100 * copies.baseline:.1f} % of the validation "
        "split."
    ]
    if memorisation:
        notes.append(
            f"Copied in {quantity(memorisation.generated.texts, 'text')} of up to "
            f"{quantity(memorisation.tokens, 'token')}, generated at temperature {memorisation.temperature:g}: "
            f"{memorisation_figures(memorisation)}."
        )
    return notes


def _costs(run: SavedRun) -> Sequence[Block]:
    costs = read_costs(run.metrics, run.directory.provenance, run.model, run.config.data.context_length)
    endings = [*ending_texts(run.metrics), *extension_notes(run.directory.provenance)]
    notes = [f"{capitalize_first(text)}." for text in endings]
    notes += [] if isinstance(costs.utilisation, Unavailable) else [_MFU]
    return [blocks.Facts(cost_facts(costs)), *([blocks.Sentences(notes)] if notes else [])]


def _settings(run: SavedRun) -> Sequence[Block]:
    """Show a table of settings for each section of the config, with the nearest preset where it differs."""
    name = nearest_preset(run.config)
    own, preset = setting_texts(run.config), setting_texts(load_preset(name))
    sentence = (
        f"The settings are those of the preset {name}."
        if own == preset
        else f"Where a setting differs from the preset {name}, the table has both."
    )
    tables = []
    for section, values in as_mapping(run.config).items():
        names = {key: f"{section}.{key}" for key in values}
        rows = [(key, own[n], preset[n] if preset[n] != own[n] else "") for key, n in names.items()]
        columns = 3 if any(other for _, _, other in rows) else 2
        tables.append(blocks.Table((section, "this run", name)[:columns], [row[:columns] for row in rows]))
    return [blocks.Sentences([sentence]), blocks.Tables(tables)]


def _origin(run: SavedRun) -> Sequence[Block]:
    """Show the text, the machine and the versions of the run."""
    provenance, checkpoint = run.directory.provenance, try_compute(lambda: run.checkpoint)
    text, sessions = provenance["text"], provenance["sittings"]
    names = text["first_documents"][:_MAX_DOCUMENTS]
    more = text["documents"] - len(names)
    facts = {
        "Documents": ", ".join(names) + (f" and {more:,} more" if more else ""),
        "SHA-256 of the text": text["sha256"],
        "SHA-256 of the tokenizer": provenance["tokenizer"],
        "Checkpoint": checkpoint.why if isinstance(checkpoint, Unavailable) else checkpoint,
    }
    if parent := provenance.get("parent"):
        facts["Fine-tuned from"] = f"{parent['name']}, {parent['checkpoint']}, SHA-256 {parent['weights']}"
    if sessions:
        last = sessions[-1]
        facts |= {
            "Began": ", ".join(f"{one['began']} from step {one['first_step']:,}" for one in sessions),
            "System": f"{last['system']}, Python {last['python']}",
            "Packages": ", ".join(f"{name} {version}" for name, version in last["packages"].items()),
        }
    return [blocks.Facts(facts)]


def _recipe(run: SavedRun) -> Sequence[Block]:
    again = recipe(run.config, run.directory.provenance, run.path)
    return [blocks.Code(again.command), blocks.Sentences(again.notes)]
