"""Memorised: what the model writes stands in its training text far more than held-out text does."""

from octavo.diagnosis.case import Case
from octavo.diagnosis.finding import Finding
from octavo.evaluate import Memorisation
from octavo.terminal import counted

_MORE = 0.05  # of the 8-word sequences, above held-out text's share
_LONGER = 2.0  # times the longest run of held-out text …
_LONG = 100  # … and at least so many characters: a refrain or a name is shorter


def memorised(case: Case) -> Finding | None:
    """Generated text that copies."""
    measured = case.memorisation
    if measured is None:
        return None
    own, other, units = measured.generated, measured.held_out, _units(measured)
    share, usual = own.share_found or 0.0, other.share_found or 0.0
    copies = own.longest_run >= max(_LONG, _LONGER * other.longest_run)
    if share < usual + _MORE and not copies:
        return None
    return Finding(
        "memorised",
        "warning",
        f"{share:.1%} of the sequences of 8 {units} that it writes stand in the training text (of held-out text "
        f"{usual:.1%}), and its longest run that stands there is {counted(own.longest_run, 'character')} (held-out "
        f"{other.longest_run})",
        "more text, a smaller budget, more dropout or a smaller model",
        {
            "share_found": share,
            "share_found_held_out": usual,
            "longest_run": own.longest_run,
            "longest_run_held_out": other.longest_run,
        },
    )


def memorisation_line(measured: Memorisation) -> str:
    """The figures in one line, whether they are a finding or not."""
    return f"copied from the training text: {memorisation_figures(measured)}"


def memorisation_figures(measured: Memorisation) -> str:
    """What of the texts that a model wrote stands in the training text, beside as much held-out text."""
    own, other, units = measured.generated, measured.held_out, _units(measured)
    shares = [
        f"no sequence of 8 {units}" if one.share_found is None else f"{one.share_found:.1%} of sequences of 8 {units}"
        for one in (own, other)
    ]
    longest = counted(own.longest_run, "character")
    return f"longest run {longest}, {shares[0]} (held-out text: {other.longest_run}, {shares[1]})"


def _units(measured: Memorisation) -> str:
    """Between white space stand words, or where the tokenizer loses it, tokens."""
    return "words" if measured.lossless_tokenizer else "tokens"
