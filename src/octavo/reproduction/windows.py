"""The windows of a run: those of a part, to be scored, and the order of the batches that it trained on."""

from octavo.data import BatchOrder, Windows
from octavo.run import Run
from octavo.training import Counted, training_data


def part_windows(run: Run, part: str) -> Windows:
    """All windows of a part, as the run's config lays them out."""
    config, ids = run.config.data, run.parts[part].ids
    length = min(config.context_length, len(ids) - 1)
    return Windows(ids, length, config.window_stride, start_id=run.tokenizer.start_id)


def batch_order(run: Run) -> BatchOrder:
    """How training went through its windows."""
    train, validation = (Counted(p.ids, p.facts.characters) for p in (run.parts["train"], run.parts["validation"]))
    return training_data(run.config, train, validation, run.tokenizer).order
