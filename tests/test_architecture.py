"""Packages import only from levels below theirs, every file has its place, and importing is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "octavo"

# The lowest level first. A package imports from lower levels, never from another package of its own level.
LEVELS = [
    {"errors", "system"},
    {"formats"},
    {"config", "corpus"},
    {"tokenizer", "kernels"},
    {"data", "model"},
    {"runs"},
    {"training", "generate"},
    {"evaluate"},
    {"interpret", "bench"},
    {"reports"},
    {"pipeline"},
    {"experiments"},
    {"cli", "__main__"},
]
LEVEL_OF = {package: level for level, packages in enumerate(LEVELS) for package in packages}
# The only files that look up: they start the command line in another process or hand on to it.
ENTRANCES = {"__main__.py": {"cli"}}

FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def module_of(path: Path) -> str:
    return ".".join(["octavo", *path.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__")


def package_of(module: str) -> str:
    return module.split(".")[1]


MODULES = {module_of(path): path for path in FILES}


def imports(path: Path) -> set[str]:
    """Return the modules of Octavo that a file imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("octavo.")}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "octavo":
                found |= {f"octavo.{alias.name}" for alias in node.names if alias.name != "__version__"}
            elif node.module and node.module.startswith("octavo."):
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                modules = names & MODULES.keys()
                found |= modules | ({node.module} if names - modules else set())
    return found


def test_every_package_has_a_level() -> None:
    packages = {path.name.removesuffix(".py") for path in SOURCE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert packages - {"__init__", "__pycache__"} == LEVEL_OF.keys()
    assert len(LEVELS) <= 13
    assert len(LEVEL_OF) <= 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    package = package_of(module_of(path))
    below = {other for other, level in LEVEL_OF.items() if level < LEVEL_OF[package]}
    allowed = below | {package} | ENTRANCES.get(str(path.relative_to(SOURCE)), set())
    assert {package_of(module) for module in imports(path)} <= allowed


def test_modules_import_each_other_in_no_circle() -> None:
    """A package's ``__init__`` counts as a module of its own: it only gathers names."""
    arrows = {module: {to for to in imports(path) if to != module} for module, path in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join([*trail[trail.index(module) :], module])
        if module not in done:
            for to in arrows.get(module, set()):
                visit(to, (*trail, module))
            done.add(module)

    for module in arrows:
        visit(module, ())


def test_files_have_a_readable_size() -> None:
    lines = {str(path.relative_to(SOURCE)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert not {path: count for path, count in lines.items() if count > 350}
    short = {path for path, count in lines.items() if count <= 40 and not path.endswith("__init__.py")}
    assert len(short) <= 12, sorted(short)


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
        "import octavo.runs.resume",
        "import octavo.cli.verify",
        "import octavo.pipeline",
        "import octavo.generate",
    ],
)
def test_importing_takes_neither_torch_nor_numpy(statement: str) -> None:
    assert not modules_after(statement) & {"torch", "numpy", "matplotlib", "rich", "jinja2"}


def test_a_name_is_loaded_when_it_is_used() -> None:
    assert "torch" in modules_after("import octavo; octavo.train")
