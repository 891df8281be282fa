"""Verify the scores and other results of a run. Importing this takes no torch."""

import math

from octavo.formats.json_schema import check_types
from octavo.runs.checkpoint_files import step_of
from octavo.runs.parent import FINE_TUNING_FILE, parent_validation
from octavo.runs.saved_run import SavedRun
from octavo.runs.scores import SCORE_TYPES, SCORES_FILE, Score, scores, standard_score

TOLERANCE = 1e-4  # nats per character between a score and its recomputation: other kernels round differently
_RELATIVE_TOLERANCE = 1e-6  # between two figures of one score that follow from each other
_BASELINE = {"name": str, "bits_per_character": float, "nats_per_character": float}
_FINE_TUNING_KEYS = ("before", "after", "parent_text_before", "parent_text_after")


def check_scores(run: SavedRun) -> str | None:
    """Check ``evaluation.json``: figures that follow from each other, texts, checkpoints, and the standard score."""
    entries, standard = scores(run.directory), standard_score(run.directory)
    for score in entries:
        _check_score(run, score)
    top = {name: value for name, value in run.directory.read_json(SCORES_FILE).items() if name != "all"}
    if top and top not in entries:
        raise ValueError("the score at its top is not one of its scores")
    if run.directory.ended and standard is None:
        return f"it has no score of {run.directory.newest_checkpoint} on the validation split"
    return "the score at its top is not the standard score" if top and top != standard else None


def _check_score(run: SavedRun, score: Score) -> None:
    _check_figures(score)
    _check_existed(run, score["checkpoint"])
    facts = _split_facts(run, score["text"]) if score["own_text"] else None
    if facts and (score["sha256"], score["characters"] - score.get("document_ends", 0)) != facts:
        raise ValueError(f"a score is of another {score['text']} text than the run's")


def _split_facts(run: SavedRun, name: str) -> tuple[str, int] | None:
    """Return the hash and the characters of one of the run's splits, if it has it; a shared run has recorded them."""
    if run.directory.shared:
        recorded = run.directory.provenance["shared"]["splits"].get(name)
        return (recorded["sha256"], recorded["characters"]) if recorded else None
    split = run.unchecked_splits.get(name)
    return (split.facts.sha256, split.facts.characters) if split else None


def _check_figures(score: Score) -> None:
    nats = score["nats_per_token"] * score["tokens"]
    expected = {
        "nats_per_character": nats / score["characters"],
        "bits_per_character": nats / score["characters"] / math.log(2),
        "nats_per_byte": nats / score["bytes"],
        "bits_per_byte": nats / score["bytes"] / math.log(2),
    }
    for name, value in expected.items():
        if not math.isclose(score[name], value, rel_tol=_RELATIVE_TOLERANCE):
            raise ValueError(f"the {name} of a score does not follow from its nats_per_token")


def check_fine_tuning(run: SavedRun) -> str | None:
    """Check that the figures of the four scores follow from each other, and that they are of the two texts."""
    content = run.directory.read_json(FINE_TUNING_FILE)
    check_types(content, {name: SCORE_TYPES for name in _FINE_TUNING_KEYS if content.get(name) is not None})
    if missing := [name for name in _FINE_TUNING_KEYS if name not in content]:
        raise ValueError(f"it has no {missing[0]}")
    parent = parent_validation(run.directory)
    own, parents = run.unchecked_splits["validation"].facts, parent.facts if parent else None
    for name, text in zip(_FINE_TUNING_KEYS, (own, own, parents, parents), strict=True):
        score = content[name]
        if (score is None) != (text is None):
            raise ValueError(f"the score {name} and the text it is of do not go together")
        if score is not None and text is not None:
            _check_figures(Score(score))
            characters = score["characters"] - score.get("document_ends", 0)
            if (score["sha256"], characters) != (text.sha256, text.characters):
                raise ValueError(f"the score {name} is of another text than the run's or its parent's")
    return check_checkpoint_of(run, FINE_TUNING_FILE)


def check_baselines(run: SavedRun) -> str | None:
    """Check the units of ``baselines.json``; say so if they learned from anything but this run's text."""
    content = run.directory.read_typed("baselines.json", {"learned_from": str, "texts": dict})
    learned_from = f"{run.unchecked_splits['train'].facts.sha256} {run.tokenizer.fingerprint}"
    for text in content["texts"].values():
        check_types(text, {"baselines": [_BASELINE]})
        for row in text["baselines"]:
            bits, nats = row["bits_per_character"], row["nats_per_character"]
            if not math.isclose(bits, nats / math.log(2), rel_tol=_RELATIVE_TOLERANCE):
                raise ValueError(f"the bits_per_character of {row['name']} do not follow from its nats_per_character")
    return None if content["learned_from"] == learned_from else "they learned from another text or tokenizer"


def check_checkpoint_of(run: SavedRun, name: str) -> str | None:
    """Check that a file of results belongs to a checkpoint of the run."""
    checkpoint, newest = run.directory.read_json(name)["checkpoint"], run.directory.newest_checkpoint
    _check_existed(run, checkpoint)
    return None if checkpoint == newest else f"it is of {checkpoint}, and the newest checkpoint is {newest}"


def _check_existed(run: SavedRun, checkpoint: str) -> None:
    """Raise ValueError unless the run may have had a checkpoint of that name; older ones are deleted."""
    step = step_of(checkpoint) if isinstance(checkpoint, str) else None
    newest = step_of(run.directory.newest_checkpoint)  # damaged or not: another check reports that
    if step is None or newest is None or step > newest:
        raise ValueError(f"{str(checkpoint)[:40]!r} is not a checkpoint that the run has or had")


def check_recomputed_score(run: SavedRun) -> str | None:
    """Recompute the standard score and compare it with the recorded one."""
    from octavo.evaluate import evaluate
    from octavo.evaluate.documents import scored_text

    recorded = standard_score(run.directory)
    if run.directory.shared:
        return "the run was shared without its text: score a text of your own"
    if recorded is None:
        return "the newest checkpoint has no score on the validation split to compare with"
    text = scored_text(run.splits["validation"], run.tokenizer)
    score = evaluate(run.model, run.tokenizer, text, context_length=run.config.data.context_length)
    new, old = score.nats_per_character, recorded["nats_per_character"]
    if not abs(new - old) <= TOLERANCE:
        raise ValueError(f"{new:.6f} nats per character, where {SCORES_FILE} says {old:.6f}")
    return f"{new:.6f} nats per character, within {TOLERANCE:g} of {SCORES_FILE}"


def check_recomputed_fine_tuning(run: SavedRun) -> str | None:
    """Recompute the scores before and after fine-tuning and compare them with the recorded ones."""
    from octavo.evaluate.fine_tuning import load_fine_tuning, measure_fine_tuning

    recorded = load_fine_tuning(run)
    if recorded is None:
        return "it has no scores of the newest checkpoint to compare with"
    new = measure_fine_tuning(run, recorded.after, save=False)
    for (name, *found), (_, *expected) in zip(new.rows(), recorded.rows(), strict=True):
        for one, other in zip(found, expected, strict=True):
            if not abs(one.nats_per_character - other.nats_per_character) <= TOLERANCE:
                raise ValueError(
                    f"{one.nats_per_character:.6f} nats per character of the {name}, where {FINE_TUNING_FILE} says "
                    f"{other.nats_per_character:.6f}"
                )
    return f"within {TOLERANCE:g} nats per character of {FINE_TUNING_FILE}"
