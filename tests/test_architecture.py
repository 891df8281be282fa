"""Packages import only from those before them on the way of the data, and importing is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "octavo"

# The way of the data: each may import from those above it, and from itself.
LAYERS = [
    "errors",
    "terminal",
    "spelling",
    "containers",
    "threads",
    "files",
    "memory",
    "processor",
    "packages",
    "untrusted",
    "intervals",
    "typed_toml",
    "typed_json",
    "config",
    "model_shapes",
    "options",
    "corpus",
    "tokenizer",
    "data",
    "native",
    "model",
    "optim",
    "runs",
    "request",
    "resume",
    "training",
    "generate",
    "evaluate",
    "diagnosis",
    "interpret",
    "plots",
    "pages",
    "progress",
    "forecast",
    "planning",
    "opened",
    "inside",
    "verification",
    "run",
    "reports",
    "pipeline",
    "experiments",
    "reproduction",
    "bench",
    "cli",
    "__main__",
]


def layer_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    """Layers that a file imports, at its top or inside a function."""
    layers = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
        layers |= {name.split(".")[1] for name in names if name.startswith("octavo.")}
    return layers


FILES = sorted(p for p in SOURCE.rglob("*.py") if p.parent != SOURCE or p.name != "__init__.py")


def test_every_file_has_a_layer() -> None:
    assert {layer_of(path) for path in FILES} == set(LAYERS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_one_way(path: Path) -> None:
    allowed = LAYERS[: LAYERS.index(layer_of(path)) + 1]
    assert imported_layers(path) <= set(allowed)


def test_no_file_is_long() -> None:
    long = {str(p.relative_to(SOURCE)): n for p in FILES if (n := len(p.read_text().splitlines())) > 350}
    assert not long


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import octavo",
        "import octavo.cli.main",
        "import octavo.runs",
        "import octavo.config",
        "import octavo.corpus",
        "import octavo.resume",
        "import octavo.cli.verify",
    ],
)
def test_importing_takes_neither_torch_nor_numpy(statement: str) -> None:
    assert not modules_after(statement) & {"torch", "numpy", "matplotlib", "rich", "jinja2"}


def test_a_name_is_loaded_when_it_is_used() -> None:
    assert "torch" in modules_after("import octavo; octavo.train")
