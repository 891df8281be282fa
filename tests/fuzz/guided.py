"""Mutants that look for code that none before reached: ``python -m tests.fuzz.guided [--seconds 120]``.

Atheris, where it is installed (``make soak`` does), is told which lines of Octavo's readers a mutant went through,
and goes on from those that went where none had been.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_MOST = 2**16  # bytes of a mutant
_SECONDS = 10  # for one mutant
_MEGABYTES = 2048  # of memory, all of the process's


def fuzz(folder: Path, options: list[str]) -> None:
    """Give the readers mutants of what lies in ``folder/corpus``, one after the other; this never returns."""
    import atheris

    with atheris.instrument_imports(include=["octavo", "safetensors"]):
        from tests.fuzz.mutations import mutant
        from tests.fuzz.readers import READERS, put_back

    whole = {name: (folder / name).read_bytes() for name in ("data/parts.json", "data/train.npy")}

    def one(content: bytes) -> None:
        """The first byte says which reader, the others are the file."""
        if content:
            READERS[content[0] % len(READERS)].takes(content[1:], folder)
            put_back(folder, whole)

    def changed(content: bytes, most: int, seed: int) -> bytes:
        """By bytes, or as what is well formed: what belongs together in a file is never met by bytes alone."""
        if content and seed % 2:
            file = READERS[content[0] % len(READERS)].file
            with suppress(Exception):  # it is not well formed any more
                made = mutant({file: content[1:]}, 0, seed).content
                if made is not None and len(made) < most:
                    return content[:1] + made
        return bytes(atheris.Mutate(content, most))

    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], one, custom_mutator=changed)
    atheris.Fuzz()


def main() -> int:
    """Make the corpus, let a process of its own go through mutants, and say how many; 1 if one was a fault."""
    from tests.fuzz.mutants import trained
    from tests.fuzz.readers import READERS, seeds

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if find_spec("atheris") is None:
        print("not done: atheris is not installed")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = seeds(trained(folder), folder)
        (folder / "corpus").mkdir()
        for number, reader in enumerate(READERS):
            (folder / "corpus" / str(number)).write_bytes(bytes([number]) + files[reader.file])
        options = [f"-max_total_time={given.seconds}", f"-seed={given.seed}", f"-max_len={_MOST}"]
        options += [f"-timeout={_SECONDS}", f"-rss_limit_mb={_MEGABYTES}", f"-artifact_prefix={name}/"]
        code = f"from pathlib import Path; from tests.fuzz.guided import fuzz; fuzz(Path({name!r}), {options!r})"
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
    said = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    if done.returncode or not said:
        print(done.stderr[-5000:], file=sys.stderr)
        print(f"a fault after which the process ended with code {done.returncode}")
        return 1
    _, runs, *_ = said[-1].split()
    print(f"{int(runs):,} guided mutants given to {len(READERS)} readers, 0 faults")
    return 0


if __name__ == "__main__":
    sys.exit(main())
