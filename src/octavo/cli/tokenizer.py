"""``octavo tokenizer``."""

import argparse

from octavo.cli.parser import add_runs_option, as_text
from octavo.cli.saying import say
from octavo.runs import open_run, runs_root
from octavo.terminal import shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    parser.add_argument("text", type=as_text, metavar="TEXT", help="the text to cut")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Show each piece with its id, and whether decoding gives the text back."""
    directory = open_run(options.run, runs_root(options.runs))

    from octavo.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(directory.path / "tokenizer.json")
    ids = tokenizer.encode(options.text).tolist()
    table = tokenizer.token_bytes()
    say(f"{tokenizer.kind}, vocabulary of {tokenizer.vocab_size}: {len(options.text)} characters, {len(ids)} tokens")
    for token in ids:
        piece = table[token].decode("utf-8", errors="backslashreplace")
        say(f"{token:>7}  {shown(repr(piece))}")
    decoded = tokenizer.decode(ids)
    if decoded == options.text:
        say("decoding gives the text back")
    else:
        say(f"decoding does not give the text back, but {shown(repr(decoded))}")
    return 0
