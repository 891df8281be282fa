"""One thing that a diagnosis has found."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["ill", "warning", "note"]  # the model is worthless; it could be better; worth knowing


@dataclass(frozen=True)
class Finding:
    """What was found, in words; `figures` are the numbers it rests on."""

    kind: str
    severity: Severity
    words: str  # what it is and what it means
    mend: str = ""  # what to look at first, or to do
    figures: dict[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        return [f"{self.kind}: {self.words}", *([f"  mend: {self.mend}"] if self.mend else [])]
