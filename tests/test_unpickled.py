"""Nothing is ever unpickled or executed that lies in a run: a test that reads the source, and tests that try."""

import ast
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octavo.cli.main import main
from octavo.pipeline.run import Run
from octavo.runs.checkpoint_files import manifest, newest_first, read_valid

SOURCE = Path(__file__).parents[1] / "src" / "octavo"
MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "code"}
BUILT_IN = {"eval", "exec", "compile", "__import__"}
METHODS = {("torch", "load"), ("np", "load"), ("numpy", "load"), ("np", "fromregex"), ("pd", "read_pickle")}


def executes(source: str) -> list[str]:
    """What in Python source could run what it reads."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")[0]
            found += [str(node.module)] if module in MODULES else []
            found += [alias.name for alias in node.names if (module, alias.name) in METHODS]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BUILT_IN:
            found.append(node.func.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found += [node.attr] if (node.value.id, node.attr) in METHODS else []
        elif isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only", "shell"):
            found.append(node.arg)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import yaml as y",
        "from torch import load",
        "torch.load(file, weights_only=True)",
        "load = np.load",
        "f(allow_pickle=True)",
        "eval('1')",
        "exec(compile(text, '', 'exec'))",
        "import marshal, json",
    ],
)
def test_the_reader_of_source_knows_what_executes(source: str) -> None:
    assert executes(source)


def test_nothing_in_the_source_executes_what_it_reads() -> None:
    files = sorted(SOURCE.rglob("*.py"))
    assert len(files) > 200
    found = {str(path.relative_to(SOURCE)): what for path in files if (what := executes(path.read_text("utf-8")))}
    assert not found


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.marker,))


def as_pickle(marker: Path) -> bytes:
    return pickle.dumps(Bomb(marker))


def as_array(marker: Path) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    return file.getvalue()


def as_archive(marker: Path) -> bytes:
    file = io.BytesIO()
    np.savez(file, ids=np.array([Bomb(marker)], dtype=object))
    return file.getvalue()


def as_torch(marker: Path) -> bytes:
    import torch

    file = io.BytesIO()
    torch.save(Bomb(marker), file)
    return file.getvalue()


def as_yaml(marker: Path) -> bytes:
    return f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{marker}']]\n".encode()


def as_python(marker: Path) -> bytes:
    return f"__import__('pathlib').Path({str(marker)!r}).touch()\n".encode()


BOMBS = [as_pickle, as_array, as_archive, as_torch, as_yaml, as_python]


@pytest.mark.parametrize("bomb", [as_pickle, as_array, as_torch], ids=lambda bomb: bomb.__name__)
def test_the_bombs_are_real(bomb: Callable[[Path], bytes], tmp_path: Path) -> None:
    import torch

    content = io.BytesIO(bomb(tmp_path / "marker"))
    if bomb is as_pickle:
        pickle.load(content)
    elif bomb is as_array:
        np.load(content, allow_pickle=True)
    else:
        torch.load(content, weights_only=False)
    assert (tmp_path / "marker").exists()


@pytest.mark.filterwarnings("ignore::octavo.errors.OctavoWarning")  # of a checkpoint that is passed over
@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_no_bomb_in_a_run_goes_off(
    copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], bomb: Callable[[Path], bytes]
) -> None:
    content, run = bomb(tmp_path / "marker"), copied.path
    newest = newest_first(run / "checkpoints")[0]
    places = [
        *(run / name for name in ("config.toml", "provenance.json", "tokenizer.json", "metrics.jsonl")),
        *(run / name for name in ("evaluation.json", "data/parts.json", "data/train.npy", "data/train.txt")),
        *(newest / name for name in ("weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json")),
    ]
    for place in places:
        before = {path: path.read_bytes() for path in [*newest.iterdir(), place, run / "data" / "parts.json"]}
        place.write_bytes(content)
        if place.parent == newest and place.name != "manifest.json":  # with its hash, as who put it there would
            whole = {p.name: p.read_bytes() for p in newest.iterdir() if p.name != "manifest.json"}
            (newest / "manifest.json").write_bytes(manifest(whole))
        main(["verify", str(run)])
        main(["generate", str(run), "--max-new-tokens", "2"])
        if place.suffix == ".safetensors":
            main(["edit", str(run), "x", "--zero", "logits", "--json"])  # by torch
        assert not (tmp_path / "marker").exists(), place
        for path, raw in before.items():
            path.write_bytes(raw)
    capsys.readouterr()
    assert json.loads(read_valid(newest)["state.json"])["step"] == 80
    assert main(["verify", str(run)]) == 0
