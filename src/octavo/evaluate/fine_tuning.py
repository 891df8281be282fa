"""Score a fine-tuned run on its own text and on that of its parent, each before and after fine-tuning.

The scores before are those of the parent's weights. All four are computed by the same code with the same context
length, so their differences are the effect of fine-tuning alone. They are saved in ``fine-tuning.json``.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from octavo.data.token_files import TokenSplit, check_ids
from octavo.errors import OctavoError
from octavo.evaluate.documents import scored_text
from octavo.evaluate.evaluation import Evaluation, ScoredText, evaluate
from octavo.evaluate.overlap import MAX_SEARCHED, MIN_REPORTED, TrainOverlap
from octavo.formats.json_schema import from_json
from octavo.model import Transformer
from octavo.runs.parent import FINE_TUNING_FILE, parent_validation, parent_weights
from octavo.runs.saved_run import SavedRun
from octavo.system.progress import ProgressCallback, no_progress, subrange

PARENT_TEXT = "parent's validation"


@dataclass(frozen=True)
class FineTuning:
    """The scores of a fine-tuned run on two validation splits, before and after fine-tuning.

    Those of the parent's text are None if the parent had been shared without its text.
    """

    parent: str
    checkpoint: str
    before: Evaluation  # the parent's weights on the run's own validation split
    after: Evaluation
    parent_text_before: Evaluation | None
    parent_text_after: Evaluation | None

    def rows(self) -> list[tuple[str, Evaluation, Evaluation]]:
        """Return a name, the score before and the score after, for each of the texts."""
        rows = [("own validation split", self.before, self.after)]
        if self.parent_text_before and self.parent_text_after:
            rows.append((f"validation split of {self.parent}", self.parent_text_before, self.parent_text_after))
        return rows


def measure_fine_tuning(
    run: SavedRun, after: Evaluation, watch: ProgressCallback = no_progress, *, save: bool = True
) -> FineTuning:
    """Compute the four scores of a fine-tuned run and save them.

    Args:
        run: the run.
        after: its standard score.
        watch: is called with the fraction that is done.
        save: whether to save them in the run's folder.

    Raises:
        OctavoError: what the run keeps of its parent is damaged.
    """
    from octavo.runs.checkpoint import model_of

    facts = run.directory.provenance["parent"]
    weights = parent_weights(run.directory)
    parent = model_of(weights, run.config, run.tokenizer.vocab_size)
    del weights
    texts: list[tuple[Transformer, ScoredText, str]] = [
        (parent, scored_text(run.splits["validation"], run.tokenizer), facts["checkpoint"])
    ]
    if split := parent_validation(run.directory):
        text = _parent_text(split, run)
        texts += [(parent, text, facts["checkpoint"]), (run.model, text, run.checkpoint)]
    scores: list[Evaluation | None] = [
        evaluate(
            model,
            run.tokenizer,
            text,
            context_length=run.config.data.context_length,
            checkpoint=checkpoint,
            watch=subrange(watch, number / len(texts), (number + 1) / len(texts)),
        )
        for number, (model, text, checkpoint) in enumerate(texts)
    ]
    before, parent_before, parent_after = [*scores, None, None][:3]
    assert before is not None
    result = FineTuning(facts["name"], run.checkpoint, before, after, parent_before, parent_after)
    if save:
        run.save_result(lambda: run.directory.write_json(FINE_TUNING_FILE, asdict(result)))
    return result


def load_fine_tuning(run: SavedRun) -> FineTuning | None:
    """Return the saved scores of a fine-tuned run; None if it was not fine-tuned or has none of its checkpoint.

    Raises:
        OctavoError: the file is damaged.
    """
    if not (run.path / FINE_TUNING_FILE).exists():
        return None
    try:
        saved = from_json(FineTuning, run.directory.read_json(FINE_TUNING_FILE))
    except ValueError as error:
        raise OctavoError(f"{run.path / FINE_TUNING_FILE} is damaged ({error}): resume the run") from None
    return saved if saved.checkpoint == run.directory.newest_checkpoint else None


def overlap_facts(own: TrainOverlap | None, parents: TrainOverlap | None) -> dict[str, Any] | None:
    """Return two overlaps for ``provenance.json``: of a fine-tuned run's validation text with the parent's training
    text, and of the parent's validation text with the run's training text. None: the parent has no text."""
    if own is None or parents is None:
        return None
    return {"own_validation": own.fraction, "parent_validation": parents.fraction}


def overlap_lines(overlap: dict[str, Any] | None, parent: str) -> list[str]:
    """Return lines that say which of the scores are optimistic because the weights were trained on the text."""
    if overlap is None:
        return [
            f"{parent} was shared without its text: the new validation split cannot be compared with the text it was "
            "trained on, and there is no score on its validation split"
        ]
    own, parents = overlap["own_validation"], overlap["parent_validation"]
    lines = []
    if own >= MIN_REPORTED:
        lines.append(
            f"{100 * own:.0f} % of the new validation split is in the text that {parent} was trained on (at most its "
            f"last {MAX_SEARCHED:,} characters): the scores on it are optimistic"
        )
    if parents >= MIN_REPORTED:
        lines.append(
            f"{100 * parents:.0f} % of the validation split of {parent} is in the new training split: the score on "
            "it after fine-tuning is optimistic"
        )
    return lines


def _parent_text(split: TokenSplit, run: SavedRun) -> ScoredText:
    check_ids({split.name: split}, run.tokenizer.vocab_size)
    return replace(scored_text(split, run.tokenizer), name=PARENT_TEXT, own=False)
