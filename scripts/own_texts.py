"""Make the texts of the experiments in experiments/own-texts, and the table of docs/own-texts.md.

python -m scripts.own_texts blocks man-de.txt experiments/own-texts/texts --name german
python -m scripts.own_texts table man-de.txt man-zh_CN.txt python.txt --minutes 2
"""

import argparse
import random
import sys
from pathlib import Path
from typing import Any

import octavo

_SIZES = (30, 100, 300, 800)  # thousands of characters
_UNSEEN = 0.9  # the last tenth of a text, on which scores are reported, is in no text of the experiments
_BLOCK = 2000  # characters
_PRESETS = (None, "pocket", "minute")  # None: the settings that fit


def write_blocks(source: Path, folder: Path, name: str) -> list[Path]:
    """Write texts of several sizes that consist of shuffled blocks of lines of `source`.

    The blocks make the held-out end of each text the same kind of text as its beginning, whatever the order of the
    source. Its last tenth is left out.
    """
    text = source.read_text(encoding="utf-8")
    blocks, block = [], ""
    for line in text[: int(len(text) * _UNSEEN)].splitlines(keepends=True):
        block += line
        if len(block) >= _BLOCK:
            blocks.append(block)
            block = ""
    random.Random(0).shuffle(blocks)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for size in _SIZES:
        chosen, length = [], 0
        for block in blocks:
            if length >= 1000 * size:
                break
            chosen.append(block)
            length += len(block)
        if length >= 1000 * size:
            path = folder / f"{name}-{size}k.txt"
            path.write_text("".join(chosen), encoding="utf-8")
            written.append(path)
    return written


def table(texts: list[str], minutes: float, seed: int, runs: Path) -> list[str]:
    """Train each text with the settings that fit and with each preset; return the lines of a Markdown table.

    Scores are bits per character of the held-out tenth, which no choice of settings has used.
    """
    lines = [
        "| text | characters | settings that fit | pocket | minute | Kneser-Ney | PPMd |",
        "|---|---|---|---|---|---|---|",
    ]
    for text in texts:
        corpus = octavo.read_corpus([] if text == "shakespeare" else text)
        scores: list[float] = []
        for preset in _PRESETS:
            budget: dict[str, Any] = {"minutes": minutes, "seed": seed}
            run = octavo.train(corpus, preset=preset, runs=runs, progress=False, brief=True, **budget)
            scores.append(run.evaluation.bits_per_character)
            print(f"{run.name}: {scores[-1]:.4f}", file=sys.stderr, flush=True)
        baselines = {each.name.split()[0]: each.bits_per_character for each in run.baselines()}
        cells = [*scores, baselines["Kneser-Ney"], baselines["PPMd"]]
        row = " | ".join(f"{bits:.3f}" for bits in cells)
        lines.append(f"| {corpus.name} | {corpus.characters:,} | {row} |")
    return lines


def main() -> None:
    """Parse the command and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    blocks = commands.add_parser("blocks")
    blocks.add_argument("source", type=Path)
    blocks.add_argument("folder", type=Path)
    blocks.add_argument("--name", required=True)
    tables = commands.add_parser("table")
    tables.add_argument("texts", nargs="+")
    tables.add_argument("--minutes", type=float, default=2.0)
    tables.add_argument("--seed", type=int, default=42)
    tables.add_argument("--runs", type=Path, default=Path("runs/own-texts"))
    options = parser.parse_args()
    if options.command == "blocks":
        print("\n".join(map(str, write_blocks(options.source, options.folder, options.name))))
    else:
        print("\n".join(table(options.texts, options.minutes, options.seed, options.runs)))


if __name__ == "__main__":
    main()
