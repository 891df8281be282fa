"""What the table of heads says, in words: its columns, its names, what it was measured on, and what it leaves out."""

from octavo.evaluate.evaluation import LOSSY_CAVEAT
from octavo.interpret.attention_targets import TARGET_KINDS
from octavo.interpret.head_table import INERT, INERT_COST, MIN_WINDOWS, UNCLASSIFIED, UNIFORM, HeadTable
from octavo.system.statistics import Estimate
from octavo.system.terminal import quantity

TITLES = {kind.name: kind.title for kind in TARGET_KINDS} | {name: name for name in (UNIFORM, INERT, UNCLASSIFIED)}
MEANINGS = {kind.name: f"it looks at {kind.meaning}" for kind in TARGET_KINDS} | {
    UNIFORM: "it weighs all tokens so far alike, whatever they are",
    INERT: f"however it is removed, the score changes by less than {INERT_COST} bits a character",
    UNCLASSIFIED: "no share earns it one: it looks at several things, or at something that has no column here",
}
RANDOM_INDUCTION = "induction on random tokens that are repeated, where nothing but induction helps"
SPREAD_MEANINGS = {
    "distance": "how many tokens back it looks, on average",
    "entropy": "entropy in bits: attention is spread as over 2 to so many tokens that share it evenly",
    "from_even": "distance from even attention: 0 for all tokens so far alike, 1 for one token alone",
}


def percent(share: Estimate) -> tuple[str, str]:
    """A share in percent, and its interval, as ``41`` and ``39 … 44``; decimals where that is narrower than two."""
    if share.low is None or share.high is None:
        return f"{100 * share.mean:.0f}", ""
    digits = 0 if share.high - share.low >= 0.019 else 1
    return f"{100 * share.mean:.{digits}f}", f"{100 * share.low:.{digits}f} … {100 * share.high:.{digits}f}"


def counted_windows(table: HeadTable) -> str:
    """As ``64 windows of 128 tokens``."""
    return f"{quantity(table.windows, 'window')} of {quantity(table.window_tokens, 'token')}"


def table_sample(table: HeadTable) -> str:
    """What the figures rest on."""
    bits = table.bits_per_character
    around = "" if bits.low is None or bits.high is None else f" ({bits.low:.3f} … {bits.high:.3f})"
    return (
        f"{counted_windows(table)}, spread evenly over {table.text}; "
        f"as it is, the model needs {bits.mean:.3f}{around} bits per character for them"
    )


def table_caveats(table: HeadTable) -> list[str]:
    """Why there are no intervals or names, and which figures compare with nothing."""
    said = []
    if table.windows == 1:
        said.append("one window has no intervals, so no head can earn a name: give a longer text")
    elif table.windows < MIN_WINDOWS:
        said.append(f"of fewer than {MIN_WINDOWS} windows intervals say little, so no head can earn a name")
    there = table.heads[0].target_fractions
    said += [f"{kind.title}: there is none in this text" for kind in TARGET_KINDS if kind.name not in there]
    if not table.lossless_tokenizer:
        said.append(LOSSY_CAVEAT)
    return said
