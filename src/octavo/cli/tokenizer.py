"""``octavo tokenizer``."""

import argparse

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.system.terminal import escape_controls, quantity

_CHARACTERS = 100  # shown of the validation split


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    arguments.add_run_and_text(parser)


def run(options: argparse.Namespace) -> int:
    """Print each token with its id, and whether decoding returns the text."""
    directory = arguments.run_of(options)
    text = arguments.text_of(options)

    from octavo.runs.saved_run import SavedRun

    saved = SavedRun(directory)
    tokenizer = saved.tokenizer
    if text is None:
        text = saved.unchecked_splits["validation"].beginning(_CHARACTERS)
    ids = tokenizer.encode(text).tolist()
    token_bytes = tokenizer.token_bytes()
    amounts = f"{quantity(len(text), 'character')}, {quantity(len(ids), 'token')}"
    say(f"{tokenizer.kind}, vocabulary of {tokenizer.vocab_size:,}: {amounts}")
    for token in ids:
        token_text = token_bytes[token].decode("utf-8", errors="backslashreplace")
        say(f"{token:>7}  {escape_controls(repr(token_text))}")
    decoded = tokenizer.decode(ids)
    if decoded == text:
        say("lossless: decoding returns the text")
    else:
        say(f"lossy: decoding returns {escape_controls(repr(decoded))}")
    return 0
