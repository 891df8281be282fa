"""Format a score for the terminal: its table among the baselines, its caveats, and the diagnosis of the run."""

from collections.abc import Sequence
from textwrap import wrap

from octavo.evaluate import Baseline, Evaluation, TrainOverlap, comparison
from octavo.evaluate.diagnosis.rules import memorisation_line
from octavo.evaluate.diagnosis.run_diagnosis import diagnose_run, load_diagnosis
from octavo.evaluate.fine_tuning import FineTuning
from octavo.evaluate.run_scores import load_memorisation
from octavo.reports.score_table import score_cells
from octavo.runs.saved_run import SavedRun
from octavo.system.terminal import quantity, wrap_lines

_TITLES = (("", "bits per", "nats per", "nats per", ""), ("", "character", "character", "token", "time"))
_WIDTHS = (34, 11, 11, 10, 11)  # columns of the terminal


def score_in_words(score: Evaluation) -> str:
    """Return the score, as in "2.092 bits per character (1.450 nats), standard error 0.012 bits"."""
    error = score.standard_error_bits_per_character
    words = f"{score.bits_per_character:.3f} bits per character ({score.nats_per_character:.3f} nats)"
    return words if error is None else f"{words}, standard error {error:.3f} bits"


def fine_tuning_lines(result: FineTuning, indent: str = "") -> list[str]:
    """Return lines with the scores of a fine-tuned run on both validation splits, before and after."""
    return [f"{indent}bits per character before and after fine-tuning {result.parent}:"] + [
        f"{indent}  {name:<40} {before.bits_per_character:7.3f} → {after.bits_per_character:.3f}"
        for name, before, after in result.rows()
    ]


def score_head(run: str, score: Evaluation) -> list[str]:
    """Return lines that name the run, the scored text and the protocol."""
    amounts = ", ".join(quantity(getattr(score, f"{unit}s"), unit) for unit in ("character", "byte", "token"))
    return [
        f"run       {run}, {score.checkpoint}",
        f"text      {score.text}: {amounts}",
        f"protocol  {comparison.protocol_description(score)}",
    ]


def score_table_lines(score: Evaluation, baselines: Sequence[Baseline], training_seconds: float) -> list[str]:
    """Return the table of the model and the baselines, from worst to best.

    Where the tokenizer is lossy, baselines that predict the full text come last, under a line that says so.
    """
    ranked = comparison.rank_scores(score, baselines, training_seconds)
    rows, apart = map(_cells, ranked.rows), list(map(_cells, ranked.not_comparable))
    return [*map(_line, [*_TITLES, *rows]), *([comparison.NOT_COMPARABLE] if apart else []), *map(_line, apart)]


def _cells(row: comparison.ScoreRow) -> list[str]:
    name, *numbers = score_cells(row)
    return [f"{'>' if row.name == comparison.THIS_MODEL else ' '} {name}", *numbers]


def _line(row: Sequence[str]) -> str:
    name, *numbers = row
    return name.ljust(_WIDTHS[0]) + "".join(n.rjust(w) for n, w in zip(numbers, _WIDTHS[1:], strict=True)).rstrip()


def figures(score: Evaluation) -> list[str]:
    """Return lines with the standard error of the score and its other units."""
    bits, nats = score.standard_error_bits_per_character, score.standard_error_nats_per_character
    return [
        "standard error  none: the text is too short for one"
        if bits is None
        else f"standard error  {bits:.4f} bits per character ({nats:.4f} nats), from the choice of text",
        f"bits per byte   {score.bits_per_byte:.4f}",
        f"perplexity      {score.perplexity_per_token:.2f} per token",
        "tokens          of this run's tokenizer: comparable only with the same tokenizer",
    ]


def score_note_lines(score: Evaluation, baselines: Sequence[Baseline], overlap: TrainOverlap | None) -> list[str]:
    """Return lines that say why a figure is optimistic or not comparable."""
    notes = [*([comparison.TIME_CAVEAT] if baselines else []), *comparison.caveats(score, baselines, overlap)]
    return [line for note in notes for line in wrap(note, 80, subsequent_indent="  ")]


def diagnosis_lines(
    run: SavedRun, indent: str = "", score: Evaluation | None = None, baselines: Sequence[Baseline] | None = None
) -> list[str]:
    """Return lines with how much the run memorised, if that was measured, and its findings, or that there are none.

    `score` and `baselines` are those just computed; without a score the diagnosis on disk is shown, if there is one.
    """
    memorised = load_memorisation(run)
    findings = load_diagnosis(run) if score is None else diagnose_run(run, score, baselines=baselines)
    texts = [memorisation_line(memorised)] if memorised else []
    if findings is not None:
        texts += [line for finding in findings for line in finding.lines()] or ["diagnosis: no findings"]
    return [line for text in texts for line in wrap_lines(text, indent)]
