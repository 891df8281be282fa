"""Extend a run to a larger budget, from the checkpoint that precedes its learning-rate decay.

The decision is first written to ``extension.json``. :func:`extend` then carries it out in actions that can be
repeated, and removes that file last. A process that is killed in between loses nothing: the next one that resumes the
run completes the actions. Importing this takes no torch.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from octavo.config import BUDGETS, Config
from octavo.config.comments import commented_toml
from octavo.config.overrides import Request
from octavo.errors import OctavoError, reason
from octavo.formats.files import remove, sync_folder, write_atomically
from octavo.formats.json_schema import from_json, parse_object
from octavo.formats.toml_schema import with_overrides
from octavo.runs.checkpoint_files import BEFORE_DECAY, STATE, max_file_bytes, newest_first, newest_valid, read_valid
from octavo.runs.directory import EXTENSION_FILE, RunDirectory
from octavo.runs.metrics import MetricsLog
from octavo.runs.scores import standard_score
from octavo.system.terminal import duration, quantity

# What a run says of its weights. The results of the former budget must not pass for those of the new one.
_RESULTS = (
    *("evaluation.json", "memorisation.json", "diagnosis.json", "examination.json", "runaway.json"),
    *("samples.txt", "samples.json", "report.html", "playground.html", "curves"),
    *("analysis", "look", "reproduction", "fine-tuning.json"),
)
_STATE = {"step": int, "metrics_bytes": int, "decay_from": int | None, "early_stop": dict[str, float]}
_OTHERWISE = "train a new run with that budget, or fine-tune it"


@dataclass(frozen=True)
class Extension:
    """The change of a run's budget."""

    began: str
    budget: dict[str, float]  # the new one: its kind and amount
    former_budget: dict[str, float]
    checkpoint: str  # to continue from: before-decay, a step, or "" for the beginning of the run
    from_step: int
    metrics_bytes: int  # the length of metrics.jsonl at that step
    former_step: int  # of training, with the former budget
    former_seconds: float
    former_score: dict[str, Any] | None  # the standard score, if the run had one

    @property
    def sentence(self) -> str:
        """Say what is done."""
        before = ", before its learning rate fell" if self.checkpoint == BEFORE_DECAY else ""
        former, new = budget_text(self.former_budget), budget_text(self.budget)
        return f"extending the budget from {former} to {new}: training continues at step {self.from_step:,}{before}"


def extension_notes(provenance: Mapping[str, Any]) -> list[str]:
    """Return a clause on each extension of a run: the change, and the score before.

    Raises:
        ValueError: an entry is damaged.
    """
    notes = []
    for entry in (from_json(Extension, entry) for entry in provenance.get("extensions", [])):
        former, new = budget_text(entry.former_budget), budget_text(entry.budget)
        bits = (entry.former_score or {}).get("bits_per_character")
        before = f"; before, it needed {bits:.3f} bits per character" if isinstance(bits, float) else ""
        notes.append(f"extended from {former} to {new} at step {entry.from_step:,}{before}")
    return notes


def budget_of(config: Config) -> dict[str, float]:
    """Return the kind of a config's budget (``steps``, ``epochs`` or ``minutes``) with its amount."""
    return {kind: amount for kind in BUDGETS if (amount := getattr(config.train, kind))}


def budget_text(budget: Mapping[str, float]) -> str:
    """Return a budget in words.

    Example:
        >>> budget_text({"minutes": 4.8})
        '4.8 minutes'
    """
    ((kind, amount),) = budget.items()
    return f"{amount:,g} {kind}" if isinstance(amount, float) else quantity(amount, kind.removesuffix("s"))


def larger_budget(config: Config) -> dict[str, float]:
    """Return twice a config's budget, as an example of one to extend it to."""
    return {kind: 2 * amount for kind, amount in budget_of(config).items()}


def extend(run: RunDirectory, request: Request) -> str:
    """Carry out the extension that was begun, or the one that `request` asks for; the caller holds the run's lock.

    Returns:
        A sentence that says what was done; empty if there was nothing to do.

    Raises:
        OctavoError: the run cannot be extended; nothing was written.
        OSError: the disk is full or cannot be written to; the next call continues.
    """
    extension = _begun(run)
    if extension is None:
        extension = requested_extension(run, request)
        if extension is None:
            return ""
        run.write_json(EXTENSION_FILE, asdict(extension))
    _carry_out(run, extension)
    return extension.sentence


def requested_extension(run: RunDirectory, request: Request) -> Extension | None:
    """Return the extension that `request` asks for; None without a budget, or with the one that the run has.

    Raises:
        OctavoError: the run cannot be extended, or not to that budget.
    """
    if not request.has_budget:
        return None
    config, begun = run.config, _begun(run)
    new, former = budget_of(request.applied_to(config)), budget_of(config)
    if begun:
        if new != begun.budget:
            raise OctavoError(
                f"{run.name} is being extended to {budget_text(begun.budget)}: resume it without a budget"
            )
        return None
    if new == former:
        return None
    last: dict[str, Any] = run.last_record or {"step": 0, "epoch": 0.0, "seconds": 0.0}
    _check_larger(run, former, new, last)
    if last.get("reason") == "patience":
        raise OctavoError(
            f"{run.name} stopped early, at step {last['step']:,}, and would stop there with any budget: train a new "
            "run with a larger train.patience"
        )
    path, state = _checkpoint_to_extend(run, config)
    return Extension(
        began=datetime.now(UTC).isoformat(timespec="seconds"),
        budget=new,
        former_budget=former,
        checkpoint=path,
        from_step=state["step"],
        metrics_bytes=state["metrics_bytes"],
        former_step=last["step"],
        former_seconds=last["seconds"],
        former_score=dict(score) if (score := standard_score(run)) else None,
    )


def _check_larger(
    run: RunDirectory, former: dict[str, float], new: dict[str, float], last: Mapping[str, Any]
) -> None:
    """Check that a budget is larger than the former one, or where its kind differs than what was trained so far."""
    ((kind, amount),) = new.items()
    trained = {"steps": last["step"], "epochs": last["epoch"], "minutes": last["seconds"] / 60}[kind]
    if amount <= former.get(kind, trained):
        so_far = f"{last['step']:,} steps, {last['epoch']:.2f} epochs, {duration(last['seconds'])}"
        had = f"has a budget of {budget_text(former)}" if kind in former else f"was trained for {so_far}"
        raise OctavoError(f"{run.name} {had}: give a larger budget than that, which is the total, to extend it")


def _checkpoint_to_extend(run: RunDirectory, config: Config) -> tuple[str, dict[str, Any]]:
    """Return the name of the checkpoint that a larger budget continues from, and its state.

    That is the newest one, unless the learning rate has begun to fall.
    """
    schedule, folder, most = config.schedule, run.path / "checkpoints", max_file_bytes(config)
    if schedule.kind == "cosine":
        raise OctavoError(
            f"{run.name} cannot be extended, because its learning rate falls from the warm-up on "
            f"(schedule.kind=cosine): {_OTHERWISE}"
        )
    if not newest_first(folder):
        return "", {"step": 0, "metrics_bytes": 0}
    path, state = newest_valid(folder, _parse_state, most)
    if state.get("early_stop"):
        raise OctavoError(f"{run.name} is stopping early: resume it without a budget, or train a new run")
    if schedule.kind == "constant" or state.get("decay_from", -1) is None:
        return path.name, state
    kept = folder / BEFORE_DECAY
    if not kept.exists():
        raise OctavoError(
            f"{run.name} cannot be extended, because its version of Octavo kept no checkpoint from before the "
            f"learning rate fell: {_OTHERWISE}"
        )
    try:
        return BEFORE_DECAY, _parse_state(read_valid(kept, most))
    except (ValueError, OSError) as error:
        raise OctavoError(f"{kept} cannot be used ({reason(error)}): {_OTHERWISE}") from None


def _parse_state(contents: dict[str, bytes]) -> dict[str, Any]:
    state = parse_object(contents[STATE], _STATE)
    if missing := {"step", "metrics_bytes"} - state.keys():
        raise ValueError(f"it has no {min(missing)}")
    return state


def _begun(run: RunDirectory) -> Extension | None:
    """Return the extension that was begun and not completed."""
    if not (run.path / EXTENSION_FILE).exists():
        return None
    try:
        extension = from_json(Extension, run.read_json(EXTENSION_FILE))
        if len(extension.budget) != 1 or not extension.budget.keys() <= set(BUDGETS):
            raise ValueError("its budget is not one")
        if min(extension.from_step, extension.metrics_bytes) < 0:
            raise ValueError("it has a negative number")
        return extension
    except ValueError as error:
        raise OctavoError(f"{run.path / EXTENSION_FILE} is damaged ({error}): train the run again") from None


def _carry_out(run: RunDirectory, extension: Extension) -> None:
    """Do everything that an extension consists of; each action may have been done before."""
    # 1. Results of the former budget.
    for name in _RESULTS:
        if (run.path / name).exists():
            remove(run.path / name)
    # 2. The kept checkpoint becomes an ordinary one, and then the newest.
    folder = run.path / "checkpoints"
    kept = folder / BEFORE_DECAY
    if extension.checkpoint == BEFORE_DECAY and kept.exists():
        target = folder / f"step-{extension.from_step:08d}"
        if target.exists():
            remove(target)
        os.rename(kept, target)
        sync_folder(folder)
    for path in newest_first(folder):
        if int(path.name.removeprefix("step-")) > extension.from_step:
            remove(path)
    # 3. The metrics end at its step.
    if (run.path / "metrics.jsonl").exists():
        log = MetricsLog(run.path / "metrics.jsonl", extension.metrics_bytes, extension.from_step)
        try:
            log.sync()
        finally:
            log.close()
    # 4. The config has the new budget, and provenance.json says so.
    budget = {f"train.{kind}": amount for kind, amount in (dict.fromkeys(BUDGETS, 0) | extension.budget).items()}
    config = with_overrides(run.config, budget.items())
    provenance = run.provenance
    reasons = {choice["name"]: choice["reason"] for choice in provenance.get("choices", [])}
    chosen = {name: reason for name, reason in reasons.items() if name not in budget}
    settings = commented_toml(config, chosen).encode()
    write_atomically(run.path / "config.toml", settings)
    earlier = [entry for entry in provenance.get("extensions", []) if entry != asdict(extension)]
    provenance |= {"config": hashlib.sha256(settings).hexdigest(), "extensions": [*earlier, asdict(extension)]}
    run.write_json("provenance.json", provenance)
    # 5. It is done.
    (run.path / EXTENSION_FILE).unlink()
    sync_folder(run.path)
