"""Read what earlier versions of Octavo wrote into a run: keys that they lacked or named otherwise.

Today's keys are written. Where a key's absence is a fact that is shown (`octavo verify` reports that there was no
hash to compare), the reader of that key handles it.
"""

from typing import Any

_FINDING_KEYS = {"mend": "fix"}
_SEVERITIES = {"ill": "error"}


def upgrade_finding(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a finding, of ``diagnosis.json`` or ``metrics.jsonl``, under today's keys.

    Example:
        >>> upgrade_finding({"kind": "collapse", "severity": "ill", "mend": "lower the learning rate"})
        {'kind': 'collapse', 'severity': 'error', 'fix': 'lower the learning rate'}
    """
    renamed = {_FINDING_KEYS.get(key, key): value for key, value in values.items()}
    severity = renamed.get("severity")
    return renamed | {"severity": _SEVERITIES.get(severity, severity)} if isinstance(severity, str) else renamed


def upgrade_training_state(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a checkpoint's ``state.json`` with the keys that earlier versions did not write.

    Those versions validated before they saved, so at every checkpoint the step had been measured. They counted no
    losses of the epoch. They kept no checkpoint before the decay: a decay that counts as begun asks for none.
    """
    step = values.get("step")
    return (
        {"measured": step, "epoch_losses": [0.0, 0], "decay_from": step, "warmed_up": False}
        | {
            "best_at": {},
            "early_stop": {},
            "temperature": None,
        }
        | values
    )


def predates_examination_record(provenance: dict[str, Any]) -> bool:
    """Return whether a run was begun by a version that did not record whether an examination was asked for.

    Those versions forecast the training alone, not the complete command.
    """
    return "whole_command" not in provenance.get("forecast", {})
