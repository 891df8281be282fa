"""Every picture of a reproduction, as files."""

from pathlib import Path

from octavo.evaluate import perplexity
from octavo.plots.attention import attention_figures
from octavo.plots.epochs import EpochPoint, LookPoint, epochs_figure
from octavo.plots.perplexities import perplexities_figure
from octavo.plots.saving import save_figure
from octavo.plots.unlearning import WeightPoint, unlearning_figure
from octavo.progress import Progress
from octavo.reproduction import reported
from octavo.reproduction.epochs import first_epoch
from octavo.reproduction.reproduction import Reproduction

EPOCHS, FIRST_EPOCH, PERPLEXITIES = "epochs", "first-epoch", "perplexities"


def draw_all(found: Reproduction, folder: Path, progress: Progress) -> None:
    """Draw every picture into `folder`.

    Raises:
        OSError: the folder cannot be written to.
    """
    floor, both = found.perplexities.unigram_validation, ("png", "svg")
    here, theirs = (
        [EpochPoint(row.epoch, row.train_loss, row.validation_loss) for row in rows]
        for rows in (found.epochs, reported.EPOCHS)
    )
    looks = [LookPoint(look.epoch, look.validation_loss) for look in found.looks]
    title = found.run.name
    save_figure(epochs_figure(here, theirs, looks, floor=floor, title=title), folder / EPOCHS, both)
    if first := first_epoch(found.looks):
        points = [WeightPoint(look.step, look.validation_loss, look.train_loss, look.weight_norm) for look in first]
        save_figure(unlearning_figure(points, floor=floor, title=f"{title}, epoch 1"), folder / FIRST_EPOCH, both)
    measured = found.perplexities
    bars = {
        "validation": perplexity(measured.validation.mean),
        "training,\nas the report\ncomputed it": perplexity(measured.training_as_reported),
        "training,\ndone right": perplexity(measured.sample.mean),
    }
    figure = perplexities_figure(bars, measured.validation.losses, floor=perplexity(floor), title=title)
    save_figure(figure, folder / PERPLEXITIES, both)
    for number, read in enumerate(found.attention):
        progress.share("drawing attention", number / len(found.attention))
        words = " ".join(reported.ATTENTION_TEXTS[read.name].split())
        labels = read.attention.passage.labels
        for layer, figure in enumerate(attention_figures(read.attention.patterns, labels, title=words)):
            save_figure(figure, folder / attention_picture(read.name, layer))


def attention_picture(text: str, layer: int) -> str:
    """What the file of a text's layer is called, without its ending."""
    return f"attention-{text}-layer-{layer}"
