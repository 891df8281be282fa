"""What an edit says in words: what was done where and with what, and what its score was measured on."""

from octavo.interpret.edit import Edit
from octavo.interpret.visible import visible


def changes(edit: Edit, most: int) -> list[str]:
    """A line for each of the first `most` changes, and one that counts the others."""
    more = len(edit.changed) - most
    return [_change(edit, name) for name in edit.changed[:most]] + [f"and {more:,} more"] * (more > 0)


def measured(edit: Edit) -> str:
    """What bits per character were measured on."""
    return f"measured on {edit.of}: {_count(len(edit.text), 'character')}, {_count(edit.tokens, 'token')}"


def _change(edit: Edit, name: str) -> str:
    """As ``patch embedding at token 2, '␣are', from '␣king', token 2 of the other text``."""
    at = "" if edit.position is None else f" at token {edit.position}, {_quoted(edit.at)}"
    kind = name.split()[0]
    if kind == "mean":
        return f"{name}{at}, over the first {_count(edit.mean_tokens, 'token')} of the held-out text"
    if kind == "patch" and edit.position is None:
        return f"{name}, from the other text, token for token"
    if kind == "patch":
        return f"{name}{at}, from {_quoted(edit.donor)}, token {edit.position} of the other text"
    return f"{name}{at}"


def _quoted(label: str) -> str:
    return f"'{visible(label)}'"


def _count(number: int, of: str) -> str:
    return f"{number:,} {of}{'s' * (number != 1)}"
