"""Mutants guided by code coverage: ``python -m tests.fuzz.guided [--seconds 120]``.

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

_MAX_BYTES = 2**16  # of a mutant
_SECONDS = 10  # per mutant
_MEGABYTES = 2048  # memory of the process


def fuzz(folder: Path, options: list[str]) -> None:
    """Give the readers mutants of the files in ``folder/corpus``; this never returns."""
    import atheris

    with atheris.instrument_imports(include=["octavo", "safetensors"]):
        from tests.fuzz.mutations import mutant
        from tests.fuzz.readers import READERS, put_back

    whole = {name: (folder / name).read_bytes() for name in ("data/parts.json", "data/train.npy")}

    def one(content: bytes) -> None:
        """Give a file to a reader; the first byte selects the reader."""
        if content:
            READERS[content[0] % len(READERS)].takes(content[1:], folder)
            put_back(folder, whole)

    def changed(content: bytes, most: int, seed: int) -> bytes:
        """Mutate bytes, or the structure of a well-formed file, which mutated bytes hardly ever preserve."""
        if content and seed % 2:
            file = READERS[content[0] % len(READERS)].file
            with suppress(Exception):  # it is no longer well formed
                made = mutant({file: content[1:]}, 0, seed).content
                if made is not None and len(made) < most:
                    return content[:1] + made
        return bytes(atheris.Mutate(content, most))

    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], one, custom_mutator=changed)
    atheris.Fuzz()


def main() -> int:
    """Write the corpus, run the fuzzer in a process and print the number of mutants; return 1 after a fault."""
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
        options = [f"-max_total_time={given.seconds}", f"-seed={given.seed}", f"-max_len={_MAX_BYTES}"]
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
