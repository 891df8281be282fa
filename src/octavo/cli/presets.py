"""``octavo presets``: a short file, since `octavo.cli.parser` loads a command by its name, and no other with it."""

import argparse

from octavo.cli.output import say
from octavo.config import preset_names, preset_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add no options: there are none."""


def run(options: argparse.Namespace) -> int:
    """Print a line for each preset: its name and the first comment of its file."""
    names = preset_names()
    for name in names:
        say(f"{name:<{max(map(len, names))}}  {preset_text(name).splitlines()[0].lstrip('# ')}")
    return 0
