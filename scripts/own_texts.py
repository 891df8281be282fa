"""Make the texts of the experiments in experiments/own-texts, and the table of docs/own-texts.md.

python -m scripts.own_texts blocks man-de.txt experiments/own-texts/texts --name german
python -m scripts.own_texts table man-de.txt man-zh_CN.txt python.txt --minutes 1 5 --seeds 1 2 3
"""

import argparse
import random
import sys
from pathlib import Path

import octavo

_SIZES = (30, 100, 300, 800)  # thousands of characters
_UNSEEN = 0.9  # the last tenth of a text, on which scores are reported, is in no text of the experiments
_BLOCK = 2000  # characters


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


def table(texts: list[str], minutes: list[float], seeds: list[int], runs: Path, preset: str | None) -> list[str]:
    """Train each text with each budget and seed; return the lines of a Markdown table.

    Scores are bits per character of the held-out tenth, which no choice of settings has used.

    Args:
        texts: files or folders; "shakespeare" is Tiny Shakespeare.
        minutes: the budgets.
        seeds: the seeds; a cell has the mean of their scores and, of several, the lowest and the highest.
        runs: the folder of the runs.
        preset: None: the settings that fit each text and budget.
    """
    lines = [
        f"| text | characters | {' | '.join(f'{budget:g} min' for budget in minutes)} | Kneser-Ney | PPMd |",
        "|---" * (4 + len(minutes)) + "|",
    ]
    for text in texts:
        corpus = octavo.read_corpus([] if text == "shakespeare" else text)
        cells = []
        for budget in minutes:
            scores: list[float] = []
            for seed in seeds:
                run = octavo.train(
                    corpus, preset=preset, runs=runs, minutes=budget, seed=seed, progress=False, brief=True
                )
                scores.append(run.evaluation.bits_per_character)
                print(f"{run.name}: {budget:g} min, seed {seed}: {scores[-1]:.4f}", file=sys.stderr, flush=True)
            spread = f" ({min(scores):.3f} to {max(scores):.3f})" if len(scores) > 1 else ""
            cells.append(f"{sum(scores) / len(scores):.3f}{spread}")
        baselines = {each.name.split()[0]: each.bits_per_character for each in run.baselines()}
        cells += [f"{baselines[name]:.3f}" for name in ("Kneser-Ney", "PPMd")]
        lines.append(f"| {corpus.name} | {corpus.characters:,} | {' | '.join(cells)} |")
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
    tables.add_argument("--minutes", type=float, nargs="+", default=[5.0])
    tables.add_argument("--seeds", type=int, nargs="+", default=[42])
    tables.add_argument("--preset")
    tables.add_argument("--runs", type=Path, default=Path("runs/own-texts"))
    options = parser.parse_args()
    if options.command == "blocks":
        print("\n".join(map(str, write_blocks(options.source, options.folder, options.name))))
    else:
        print("\n".join(table(options.texts, options.minutes, options.seeds, options.runs, options.preset)))


if __name__ == "__main__":
    main()
