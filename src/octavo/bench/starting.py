"""How long a person waits who types `octavo generate`: a whole process, from nothing to its last token."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from octavo.bench.comparison import Case, Comparison, side_by_side
from octavo.bench.kernels import ways
from octavo.bench.writing import Writer
from octavo.config import load_preset
from octavo.evaluate import Watch, unwatched
from octavo.files import write_atomically
from octavo.runs.checkpoint import Checkpoint, save_checkpoint
from octavo.typed_toml import to_toml

_TOKENS = 200


def whole_process(writer: Writer, rounds: int, watch: Watch = unwatched) -> Comparison:
    """`octavo generate` of a run with the writer's weights, without kernels, when it takes torch, and with them."""
    with _as_run(writer) as run:
        command = [sys.executable, "-m", "octavo.cli.main", "generate", str(run), "--max-new-tokens", str(_TOKENS)]

        def process() -> None:  # what `ways` turns off is an environment variable, which it inherits
            subprocess.run(command, check=True, capture_output=True)

        work = f"a process that writes {_TOKENS} tokens with a trained run"
        cases = [Case(name, work, 1, "processes", start, "fp32") for name, start in ways(process).items()]
        return side_by_side("A process that writes", cases, rounds=rounds, watch=watch)


@contextmanager
def _as_run(writer: Writer) -> Iterator[Path]:
    """The model and its tokenizer as a run of their own; deleted afterwards."""
    config = load_preset("pocket")
    config = replace(
        config,
        model=writer.model.config,
        tokenizer=replace(config.tokenizer, vocab_size=writer.tokenizer.vocab_size),
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir()
        write_atomically(run / "config.toml", to_toml(config).encode())
        writer.tokenizer.save(run / "tokenizer.json")
        weights = {name: weight.detach() for name, weight in writer.model.named_parameters()}
        save_checkpoint(run / "checkpoints", Checkpoint({"weights": weights}, {"step": 0}), keep=1)
        yield run
