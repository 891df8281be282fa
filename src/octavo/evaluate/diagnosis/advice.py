"""Which advice may stand together: no finding asks for what another one warns of.

Each kind of finding asks for changes in some directions. Where two ask for opposite ones, the finding with the
better evidence keeps its advice: a cause that was seen (collapse, copies in the text, text of another kind,
overfitting, copied text) comes before a score that is merely high, and that before an extrapolation.
"""

from collections.abc import Sequence
from dataclasses import replace

from octavo.evaluate.diagnosis.case import Finding

OPPOSITE_CHANGES = {
    "more training": {"less training", "another text"},
    "larger model": {"smaller model", "another text"},
    "higher learning rate": {"lower learning rate", "another text"},
}
REQUESTED_CHANGES = {  # by kind, the best evidence first; "another text": no training helps before that
    "collapse": {"lower learning rate", "less training"},
    "overlap": {"another text"},
    "distribution shift": {"another text"},
    "overfitting": {"less training", "smaller model", "lower learning rate"},
    "memorised": {"less training", "smaller model"},
    "no better than uniform": {"more training", "higher learning rate"},
    "no better than unigram": {"more training", "higher learning rate"},
    "no better than bigram": {"more training", "higher learning rate", "larger model"},
    "no better than n-gram": {"more training"},
    "underfitting": {"more training"},
    "not comparable": set[str](),
}
MORE_TEXT = "use more text, or more dropout"  # in place of a kind's own advice; it asks for none of these changes


def reconcile(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings in their order, without advice that contradicts that of one with better evidence.

    Underfitting is nothing but advice: it goes as a whole.
    """
    kept: dict[str, Finding] = {}
    asked: set[str] = set()
    for finding in sorted(findings, key=lambda finding: list(REQUESTED_CHANGES).index(finding.kind)):
        asks = requested_changes(finding)
        if not is_contradiction(asks, asked):
            kept[finding.kind] = finding
            asked |= asks
        elif finding.kind != "underfitting":
            kept[finding.kind] = replace(finding, fix="")
    return [kept[finding.kind] for finding in findings if finding.kind in kept]


def requested_changes(finding: Finding) -> set[str]:
    """Return the changes that a finding asks for: those of its kind, unless it is a mere note or has other advice."""
    mere_note = finding.severity == "note" and not finding.fix
    return set() if mere_note or finding.fix == MORE_TEXT else REQUESTED_CHANGES[finding.kind]


def is_contradiction(asks: set[str], asked: set[str]) -> bool:
    """Return whether some change is asked for on one side and an opposite one on the other."""
    return any(
        (change in asks and opposite & asked) or (change in asked and opposite & asks)
        for change, opposite in OPPOSITE_CHANGES.items()
    )
