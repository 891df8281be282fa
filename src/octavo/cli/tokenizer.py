"""``octavo tokenizer``."""

import argparse

from octavo.cli.options import add_passage_arguments, given_text
from octavo.cli.output import say
from octavo.cli.parser import add_runs_option
from octavo.runs import open_run, runs_root
from octavo.system.terminal import escape_controls, quantity

_CHARACTERS = 100  # of the run's own text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    add_passage_arguments(parser)
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Show each piece with its id, and whether decoding gives the text back."""
    directory = open_run(options.run, runs_root(options.runs))

    text = given_text(options)

    from octavo.data import open_splits
    from octavo.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(directory.path / "tokenizer.json")
    if text is None:
        text = open_splits(directory.path / "data")["validation"].beginning(_CHARACTERS)
    ids = tokenizer.encode(text).tolist()
    table = tokenizer.token_bytes()
    amounts = f"{quantity(len(text), 'character')}, {quantity(len(ids), 'token')}"
    say(f"{tokenizer.kind}, vocabulary of {tokenizer.vocab_size:,}: {amounts}")
    for token in ids:
        piece = table[token].decode("utf-8", errors="backslashreplace")
        say(f"{token:>7}  {escape_controls(repr(piece))}")
    decoded = tokenizer.decode(ids)
    if decoded == text:
        say("decoding gives the text back")
    else:
        say(f"decoding does not give the text back, but {escape_controls(repr(decoded))}")
    return 0
