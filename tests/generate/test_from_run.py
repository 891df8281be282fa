"""Text from a run on the disk is what its model writes, and takes no torch where there are kernels."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from octavo.bench.kernels import without_kernels
from octavo.config.inference import SamplingConfig
from octavo.errors import OctavoError
from octavo.formats.files import write_atomically
from octavo.formats.toml_schema import to_toml
from octavo.generate.generate import generate_from
from octavo.kernels.library import library
from octavo.pipeline.run import Run
from octavo.runs.checkpoint_files import manifest

Octavo = Callable[..., "subprocess.CompletedProcess[str]"]


def written(run: Run, sampling: SamplingConfig) -> str:
    return "".join(row[0] for row in generate_from(run.directory, ["First"], sampling=sampling))


def test_it_is_what_the_model_writes_with_kernels_and_without(trained: Run) -> None:
    sampling = SamplingConfig(temperature=0.7, top_p=0.9, max_new_tokens=60, seed=5)
    expected = trained.generate("First", **vars(sampling))
    assert written(trained, sampling) == expected
    with without_kernels():
        assert written(trained, sampling) == expected


def test_it_takes_no_torch(trained: Run, environment: dict[str, str]) -> None:
    if library() is None:
        pytest.skip("no kernels: Octavo was installed without a C compiler")  # then it needs torch
    code = "import sys; from octavo.cli.main import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    command = [sys.executable, "-c", code, "generate", str(trained.path), "--max-new-tokens", "5"]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0


def test_weights_that_no_training_comes_to_raise_no_warning_of_numpy(copied: Run, octavo_process: Octavo) -> None:
    """Finite ones, whose squares are not: octavo verify says so, and text is not harmed by it."""
    folder = copied.path / "checkpoints" / copied.directory.newest_checkpoint
    weights = {name: np.full_like(weight, 3e38) for name, weight in load_file(folder / "weights.safetensors").items()}
    save_file(weights, folder / "weights.safetensors")
    whole = {place.name: place.read_bytes() for place in folder.iterdir() if place.name != "manifest.json"}
    (folder / "manifest.json").write_bytes(manifest(whole))
    done = octavo_process("generate", copied.path, "First", "--max-new-tokens", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("First")


@pytest.mark.parametrize("change", [("d_ff = 64", "d_ff = 80"), ("n_layers = 1", "n_layers = 2")])
def test_weights_of_another_model_are_refused(copied: Run, change: tuple[str, str]) -> None:
    text = to_toml(copied.config)
    assert change[0] in text, "the fixture has that setting"
    write_atomically(copied.path / "config.toml", text.replace(*change).encode())
    with pytest.raises(OctavoError, match=r"config\.toml"):
        written(copied, SamplingConfig(max_new_tokens=3))
