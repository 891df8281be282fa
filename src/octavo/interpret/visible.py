"""Labels of tokens with everything in them to be seen: white space too, and what would not show or would disturb."""

_SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥"}


def visible(label: str) -> str:
    """`label` with a sign for each space, newline and tab, and what else does not show written as \\xa0 or \\u200b."""
    return "".join(_SIGNS.get(character) or _printable(character) for character in label)


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
