"""``octavo presets``."""

import argparse

from octavo.cli.output import say
from octavo.config import preset_names, preset_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(options: argparse.Namespace) -> int:
    """One line a preset: its name and the first comment of its file."""
    names = preset_names()
    for name in names:
        say(f"{name:<{max(map(len, names))}}  {preset_text(name).splitlines()[0].lstrip('# ')}")
    return 0
