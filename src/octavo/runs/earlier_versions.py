"""Translate keys and values that earlier versions wrote into a run. Both are read, today's are written."""

from typing import Any

_FINDING_KEYS = {"mend": "fix"}
_SEVERITIES = {"ill": "error"}


def upgraded_finding(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a finding, of ``diagnosis.json`` or ``metrics.jsonl``, under today's keys.

    Example:
        >>> upgraded_finding({"kind": "collapse", "severity": "ill", "mend": "lower the learning rate"})
        {'kind': 'collapse', 'severity': 'error', 'fix': 'lower the learning rate'}
    """
    renamed = {_FINDING_KEYS.get(key, key): value for key, value in values.items()}
    severity = renamed.get("severity")
    return renamed | {"severity": _SEVERITIES.get(severity, severity)} if isinstance(severity, str) else renamed
