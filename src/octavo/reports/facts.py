"""The facts of a run by name, as people read them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from octavo.config import BUDGETS, Config, load_preset
from octavo.data import TokenPart
from octavo.reports.absent import Absent
from octavo.reports.costs import Costs
from octavo.reports.reproducing import differing, nearest_preset, setting
from octavo.reports.section import Table
from octavo.terminal import counted, duration
from octavo.tokenizer import Tokenizer
from octavo.typed_toml import as_mapping

_PARTS = {"train": "Trained on", "validation": "Held out", "test": "Kept for a test"}
_LISTED = 5  # documents that are named
SHARE = "Share of its peak"


def text_facts(provenance: Mapping[str, Any], parts: Mapping[str, TokenPart], tokenizer: Tokenizer) -> dict[str, str]:
    """What was trained on, in characters and in tokens, start tokens not counted."""
    text, train = provenance["text"], parts["train"]
    tokens = {name: int(np.count_nonzero(part.ids != tokenizer.start_id)) for name, part in parts.items()}
    documents = f" in {text['documents']:,} documents" if text["documents"] > 1 else ""
    return {
        "Text": f"{text['name']}: {counted(text['characters'], 'character')}{documents}",
        **{
            _PARTS[name]: f"{counted(part.facts.characters, 'character')}, {counted(tokens[name], 'token')}"
            for name, part in parts.items()
        },
        "Tokens": f"{tokenizer.vocab_size:,} different ones, of "
        f"{train.facts.characters / tokens['train']:.2f} characters on average",
    }


def model_facts(config: Config, parameters: int) -> dict[str, str]:
    """What was trained, and how."""
    model, train = config.model, config.train
    amounts = {budget: getattr(train, budget) for budget in BUDGETS}
    order = "before" if model.norm_order == "pre" else "after"
    return {
        "Parameters": f"{parameters:,}",
        "Layers": f"{model.n_layers} of {counted(model.n_heads, 'head')}, {model.d_model} wide, "
        f"feed-forward {model.d_ff} wide",
        "Parts": f"{model.position} positions, {model.norm} norm {order} each part, {model.feedforward}",
        "Context": f"{config.data.context_length} tokens, {counted(config.data.batch_size, 'window')} a step",
        "Tokenizer": config.tokenizer.kind,
        "Optimizer": f"{config.optimizer.kind}, {config.schedule.kind} schedule",
        "Budget": next(f"{n:,g} {name[:-1] if n == 1 else name}" for name, n in amounts.items() if n),
        "Seed": str(train.seed),
    }


def cost_facts(costs: Costs) -> dict[str, str]:
    """Time, speed, memory and the share of the machine's peak."""
    machine, share = costs.machine, costs.share
    return {
        "Time": f"{duration(costs.seconds)}, {100 * costs.stepping:.0f} % of it in steps"
        + (f"; {costs.sittings} sittings" if costs.sittings > 1 else ""),
        "Read": f"{counted(costs.steps, 'step')}, {costs.epochs:.1f} epochs, {counted(costs.tokens, 'token')}",
        "Speed": f"{costs.steps_per_second:.3g} steps, {costs.tokens_per_second:,.0f} tokens a second",
        "Peak memory": f"{costs.peak_memory_bytes / 2**20:,.0f} MiB" if costs.peak_memory_bytes else "unknown",
        "Machine": f"{machine['processor']}, {counted(machine['cores'], 'core')}, "
        f"{counted(machine['threads'], 'thread')}",
        "Numbers": f"{costs.precision} in training, fp32 for the score",
        SHARE: share.why
        if isinstance(share, Absent)
        else f"{100 * share.share:.0f} %: {_giga(share.flops_per_second)} of {_giga(share.product_rate)} GFLOP/s",
    }


def _giga(rate: float) -> str:
    return f"{rate / 1e9:,.0f}"


def origin_facts(provenance: Mapping[str, Any], checkpoint: str | Absent) -> dict[str, str]:
    """Text, machine and versions."""
    text, sittings = provenance["text"], provenance["sittings"]
    names = text["first_documents"][:_LISTED]
    more = text["documents"] - len(names)
    facts = {
        "Documents": ", ".join(names) + (f" and {more:,} more" if more else ""),
        "SHA-256 of the text": text["sha256"],
        "SHA-256 of the tokenizer": provenance["tokenizer"],
        "Checkpoint": checkpoint.why if isinstance(checkpoint, Absent) else checkpoint,
    }
    if sittings:
        last = sittings[-1]
        began = ", ".join(f"{one['began']} from step {one['first_step']:,}" for one in sittings)
        facts |= {
            "Began": began,
            "System": f"{last['system']}, Python {last['python']}",
            "Packages": ", ".join(f"{name} {version}" for name, version in last["packages"].items()),
        }
    return facts


def settings_tables(config: Config) -> list[Table]:
    """Every setting, a table a section, beside that of the nearest preset where it differs."""
    name = nearest_preset(config)
    preset = load_preset(name)
    others = set(differing(preset, config))
    tables = []
    for section, values in as_mapping(config).items():
        rows = []
        for key in values:
            dotted = f"{section}.{key}"
            rows.append((key, setting(config, dotted), setting(preset, dotted) if dotted in others else ""))
        if any(other for _, _, other in rows):
            tables.append(Table((section, "this run", name), rows))
        else:
            tables.append(Table((section, "this run"), [row[:2] for row in rows]))
    return tables
