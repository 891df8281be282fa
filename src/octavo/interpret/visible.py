"""Labels of tokens with everything in them to be seen: white space too, and what would not show or would disturb."""

_SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥"}


def visible(label: str, *, kept: str = "") -> str:
    """`label` with a sign for each space, newline and tab; what else does not show is written as \\xa0 or \\u200b.

    The characters in `kept` stay as they are.
    """
    return "".join(c if c in kept else _SIGNS.get(c) or _printable(c) for c in label)


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
