"""The words of the head table: its columns, the names of heads, its sample and its caveats."""

from octavo.evaluate.evaluation import LOSSY_CAVEAT
from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_table import INERT, INERT_COST, MIN_WINDOWS, UNCLASSIFIED, UNIFORM, HeadTable
from octavo.system.statistics import Estimate
from octavo.system.terminal import quantity

TITLES = {kind.name: kind.title for kind in TARGET_KINDS} | {name: name for name in (UNIFORM, INERT, UNCLASSIFIED)}
MEANINGS = {kind.name: f"the head attends to {kind.meaning}" for kind in TARGET_KINDS} | {
    UNIFORM: "the head's attention is uniform over all tokens so far",
    INERT: f"each ablation of the head changes the score by less than {INERT_COST} bits per character",
    UNCLASSIFIED: "no column names the head: it attends to several kinds of tokens, or to one without a column",
}
RANDOM_INDUCTION = "induction on repeated random tokens, which only induction can predict"
SPREAD_MEANINGS = {
    "distance": "mean attention distance in tokens",
    "entropy": "entropy in bits: that of uniform attention over 2^entropy tokens",
    "distance_from_uniform": "distance from uniform attention (total variation): 0 is uniform, 1 is attention to one "
    "token",
}


def percent(fraction: Estimate) -> tuple[str, str]:
    """Return a fraction in percent and its interval, as ``41`` and ``39 … 44``; a narrow interval has decimals."""
    if fraction.low is None or fraction.high is None:
        return f"{100 * fraction.mean:.0f}", ""
    digits = 0 if fraction.high - fraction.low >= 0.019 else 1
    return f"{100 * fraction.mean:.{digits}f}", f"{100 * fraction.low:.{digits}f} … {100 * fraction.high:.{digits}f}"


def counted_windows(table: HeadTable) -> str:
    """Return the windows of the table as ``64 windows of 128 tokens``."""
    return f"{quantity(table.windows, 'window')} of {quantity(table.window_tokens, 'token')}"


def table_sample(table: HeadTable) -> str:
    """Return the text and the windows of the table in words, with the score of the unchanged model."""
    bits = table.bits_per_character
    around = "" if bits.low is None or bits.high is None else f" ({bits.low:.3f} … {bits.high:.3f})"
    return (
        f"{counted_windows(table)}, spread evenly over {table.text}; "
        f"without ablation the model needs {bits.mean:.3f}{around} bits per character there"
    )


def table_caveats(table: HeadTable) -> list[str]:
    """Return why intervals or names are missing, and which figures are not comparable."""
    caveats = []
    if table.windows == 1:
        caveats.append("one window has no intervals, so no head gets a name: give a longer text")
    elif table.windows < MIN_WINDOWS:
        caveats.append(f"intervals of fewer than {MIN_WINDOWS} windows say little, so no head gets a name")
    present = table.heads[0].target_fractions
    caveats += [f"{kind.title}: none in this text" for kind in TARGET_KINDS if kind.name not in present]
    if not table.lossless_tokenizer:
        caveats.append(LOSSY_CAVEAT)
    return caveats
