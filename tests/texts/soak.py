"""Every strange text with every kind of tokenizer, and a file too long to hold: what came of it, in figures.

``python -m tests.texts.soak [--megabytes 500]``; with 0 megabytes there is no long file. It takes some minutes, and
three times the long file's size on the disk.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.texts.collection import STRANGE, prose
from tests.texts.trying import KINDS, look_into, trained_or_refused

from octavo.pipeline.run import Run

_MEGABYTE = 1_000_000
_SMALL, _MAX_GROWTH = 5, 1.5  # megabytes; bytes of memory per further byte of text (measured: 0.4 to 0.7)
_READ_AND_TRAIN = """
import sys, time, octavo
import octavo.training.forecast
from octavo.system.hardware import peak_memory
octavo.training.forecast._PROBE_SECONDS = 0.0  # how long a run will take is not asked here
began = time.perf_counter()
tiny = {
    "model.d_model": 32, "model.n_layers": 1, "model.d_ff": 64, "data.context_length": 64, "data.batch_size": 8,
    "data.validation": 0.001, "train.sample_every": 0, "train.precision": "fp32", "tokenizer.dropout": 0.0,
}
run = octavo.train(sys.argv[1], steps=2, overrides=tiny, runs=sys.argv[2], progress=False, brief=True)
assert sum(part.facts.bytes for part in run.splits.values()) == int(sys.argv[3])
print(peak_memory(), time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Peak:
    """What a process needed for a text of so many bytes."""

    bytes_of_text: int
    bytes_at_peak: int
    seconds: float


def peak_of_a_long_file(megabytes: int, repeats: int = 1) -> Peak:
    """Write a file of words, and let a process of its own read, split, tokenize, train two steps and score.

    Each word is said `repeats` times on end: as many bytes of fewer words take less time to tokenize.
    """
    with tempfile.TemporaryDirectory(prefix="octavo-long-") as folder:
        path = Path(folder, "long.txt")
        with path.open("wb") as file:
            text = re.sub(r"\w+", lambda word: word[0] * repeats, prose(0, _MEGABYTE // 4)).encode()
            for number in range(megabytes):  # each begins elsewhere, so that tokens are cut elsewhere
                file.write(text[number : number + _MEGABYTE - 1] + b"\n")
        size = path.stat().st_size
        command = [sys.executable, "-c", _READ_AND_TRAIN, str(path), str(Path(folder, "runs")), str(size)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        said = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout.split()
    return Peak(size, int(said[0]), float(said[1]))


def main() -> None:
    """Go through all of them; an exception ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500, help="size of the long file (500; 0: none)")
    options = parser.parse_args()
    trained = refused = 0
    began = time.perf_counter()
    for name, make in STRANGE.items():
        for kind in KINDS:
            with tempfile.TemporaryDirectory(prefix="octavo-strange-") as folder:
                came = trained_or_refused(make(), kind, Path(folder, "runs"), brief=False)
                if isinstance(came, Run):
                    look_into(came)
                    trained += 1
                else:
                    refused += 1
                said = (
                    came if isinstance(came, str) else f"{came.evaluation.bits_per_character:.3f} bits per character"
                )
                print(f"{name}, {kind}: {said}", flush=True)
    seconds = time.perf_counter() - began
    print(f"\n{trained + refused} tried in {seconds:.0f} s: {len(STRANGE)} by {len(KINDS)} kinds of tokenizer")
    print(f"{trained} trained: each came back from its tokens, was scored, written with and looked into")
    print(f"{refused} refused, in one sentence each")
    if options.megabytes:
        small, peak = (peak_of_a_long_file(megabytes) for megabytes in (_SMALL, options.megabytes))
        further = max(1, peak.bytes_of_text - small.bytes_of_text)
        per_byte = (peak.bytes_at_peak - small.bytes_at_peak) / further
        print(
            f"a long file of {peak.bytes_of_text / _MEGABYTE:.0f} MB: {peak.bytes_at_peak / 2**20:.0f} MiB at "
            f"peak, {per_byte:.2f} bytes more for each further byte than a file of {_SMALL} MB, {peak.seconds:.0f} s"
            + ("" if per_byte < _MAX_GROWTH else " FAILED")
        )


if __name__ == "__main__":
    main()
