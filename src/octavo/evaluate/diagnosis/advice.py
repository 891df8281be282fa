"""Reconcile the advice of findings: no finding asks for a change that another one warns against.

Each kind of finding requests changes in some directions. Where two request opposite changes, the finding with the
better evidence keeps its fix: a cause that was observed (collapse, overlap, distribution shift, overfitting,
memorised text) comes before a score that is merely high, and that before an extrapolation.
"""

from collections.abc import Sequence
from dataclasses import replace

from octavo.evaluate.diagnosis.case import Commands, Finding

OPPOSITE_CHANGES = {
    "more training": {"less training", "another text"},
    "larger model": {"smaller model", "another text"},
    "higher learning rate": {"lower learning rate", "another text"},
}
REQUESTED_CHANGES = {  # by kind, the best evidence first; "another text": until then training does not help
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
_MAX_NAMED = 4  # settings
MORE_TEXT = "use more text, or more dropout"  # instead of a kind's own fix; it requests none of these changes


def reconcile(findings: Sequence[Finding], commands: Commands | None = None) -> list[Finding]:
    """Return the findings in their order, without each fix that contradicts one with better evidence.

    Underfitting is nothing but advice, so that finding is then dropped. With `commands`, a finding whose fix one of
    them carries out names it, and then says what the command does.
    """
    kept: dict[str, Finding] = {}
    accepted: set[str] = set()
    for finding in sorted(findings, key=lambda finding: list(REQUESTED_CHANGES).index(finding.kind)):
        changes = requested_changes(finding)
        if not is_contradiction(changes, accepted):
            kept[finding.kind] = finding
            accepted |= changes
        elif finding.kind != "underfitting":
            kept[finding.kind] = replace(finding, fix="")
    in_order = [kept[finding.kind] for finding in findings if finding.kind in kept]
    return [_with_command(finding, commands or Commands()) for finding in in_order]


def _with_command(finding: Finding, commands: Commands) -> Finding:
    """Return the finding with the command that carries out its fix.

    Settings that do not fit are changed before anything else. A run that has settings that fit can only be trained
    longer, where the finding asks for that.
    """
    changes = requested_changes(finding)
    if not finding.fix or not changes or "another text" in changes:
        return finding
    if commands.retrain:
        names, more = ", ".join(commands.unfit[:_MAX_NAMED]), len(commands.unfit) - _MAX_NAMED
        differing = names + (f" and {more} more" if more > 0 else "")
        fix = f"train again with the settings that fit this text and budget, which differ in {differing}"
        return replace(finding, fix=fix, command=commands.retrain)
    if "more training" in changes and commands.extend:
        return replace(finding, fix="train on, to twice the budget", command=commands.extend)
    return finding


def requested_changes(finding: Finding) -> set[str]:
    """Return the changes of a finding's kind; none for a note without a fix, or where the fix is MORE_TEXT."""
    mere_note = finding.severity == "note" and not finding.fix
    return set() if mere_note or finding.fix == MORE_TEXT else REQUESTED_CHANGES[finding.kind]


def is_contradiction(changes: set[str], others: set[str]) -> bool:
    """Return whether one side requests a change and the other an opposite one."""
    return any(
        (change in changes and opposite & others) or (change in others and opposite & changes)
        for change, opposite in OPPOSITE_CHANGES.items()
    )
