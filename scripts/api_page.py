"""Write docs/api.md from the docstrings of the public functions and classes.

python -m scripts.api_page
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import octavo
from octavo.config import Config
from octavo.config.inference import SamplingConfig
from octavo.evaluate import Baseline, Evaluation, Memorisation, TrainOverlap
from octavo.evaluate.diagnosis.case import Finding
from octavo.evaluate.overlap import CopyStats

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
_WIDTH = 100  # characters of a signature in one line

_INTRODUCTION = """
# The Python API

This page is generated from docstrings: `make page` writes it. All names but those of the last section are in the
package `octavo`, which loads torch when the first of them is used. Every example but the long one of
`octavo.reproduce` runs as a test, on a small run named `hamlet` and a text `hamlet.txt` of 40,000 characters.

A wrong argument, file or setting raises `OctavoError`, whose message is one sentence that states the problem and the
fix. Shapes use these letters: B batch, T query position, S key position, H heads, K d_head, D d_model, F d_ff, V
vocabulary. Layers, heads and positions are counted from 0.
"""

INSIDE = """
The forward pass of a model is a function: `model(input_ids, tap=tap)`. A *tap* is a function
`(site, tensor) -> tensor` that is called at every named site, such as `blocks.0.attention.pattern`. A tap that
returns its tensor records; one that returns another tensor ablates or patches. `octavo.model.taps` lists the sites
with their shapes.

```python
>>> import torch
>>> from octavo.interpret.activations import run_with_cache
>>> from octavo.interpret.interventions import parse_target, zero_ablate
>>> ids = torch.tensor(run.tokenizer.encode("To be, or not to be"), dtype=torch.int64)[None]  # (B, T)
>>> cache = run_with_cache(run.model, ids, "blocks.*.attention.pattern")
>>> pattern = cache["blocks.0.attention.pattern"]  # (B, H, T, S)
>>> bool(torch.allclose(pattern.sum(-1), torch.ones(())))
True
>>> tap = zero_ablate(parse_target("blocks.0.attention.head.2", run.model))
>>> bool((run.model(ids, tap=tap) != run.model(ids)).any())
True

```
"""

_SECTIONS = {
    "Train and load": ("train", "load", "load_preset", "Config", "read_corpus", "Corpus", "OctavoError"),
    "A run": ("Run",),
    "Reports and comparisons": ("report", "compare"),
    "Experiments": ("experiment", "reproduce"),
}
_RESULTS = (SamplingConfig, Evaluation, Baseline, TrainOverlap, Memorisation, CopyStats, Finding)
_PLUMBING = ("to_dict", "from_json", "lines")  # methods of results that a reader does not need
_INSIDE_NAMES = {
    "octavo.evaluate.scoring": ("Scorer",),
    "octavo.interpret.activations": ("run_with_cache", "compose", "mean_activations", "sites_of"),
    "octavo.interpret.interventions": (
        "targets_of",
        "parse_target",
        "zero_ablate",
        "replace_with",
        "patch_from",
        "attend_to_first",
    ),
}


def api_page() -> str:
    """Return the page."""
    lines = [_INTRODUCTION.strip(), ""]
    for title, names in _SECTIONS.items():
        lines += [f"## {title}", ""]
        for name in names:
            value = getattr(octavo, name)
            lines += (_class if inspect.isclass(value) else _function)(value, f"octavo.{name}")
            lines += _settings() if value is Config else ()
    lines += ["## Options and results of a run", ""]
    for value in _RESULTS:
        lines += _class(value, f"{value.__module__}.{value.__name__}")
    lines += ["## Inside a model", "", INSIDE.strip(), ""]
    for module, names in _INSIDE_NAMES.items():
        for name in names:
            value = getattr(import_module(module), name)
            lines += (_class if inspect.isclass(value) else _function)(value, f"{module}.{name}")
    return "\n".join(lines).rstrip() + "\n"


def _class(value: type, name: str) -> Iterator[str]:
    yield from (f"### `{name}`", "", *_prose(value))
    own = dict(_fields(value)) if "Attributes:" not in (value.__doc__ or "") else {}
    members = inspect.getmembers_static(value)
    values = {name: _first_paragraph(member) for name, member in members if _is_value(name, member)}
    for heading, meanings in (("Fields", own), ("Attributes", values)):
        if meanings:
            yield from (f"**{heading}**", "")
            yield from (_filled(f"* `{name}`: {meaning}", indent="  ") for name, meaning in meanings.items())
            yield ""
    for name, member in vars(value).items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if not name.startswith("_") and inspect.isfunction(function) and name not in _PLUMBING:
            yield from _function(function, f"{value.__name__}.{name}", level=4, method=True)


def _fields(value: type) -> Iterator[tuple[str, str]]:
    """Yield the fields of a dataclass with the comment behind each, or its type."""
    if is_dataclass(value):
        for line in inspect.getsource(value).splitlines():
            if match := re.fullmatch(r"    (\w+): ([^#]+?)(?: = [^#]+?)?(?:  # (.+))?", line):
                yield match[1], match[3] or f"`{match[2]}`"


def _settings() -> Iterator[str]:
    """Yield a table of the settings with their defaults, those of the preset `pocket`."""
    yield from ("| setting | default | meaning |", "|---|---|---|")
    for section in fields(Config):
        values = getattr(Config(), section.name)
        for setting in fields(values):
            default = str(getattr(values, setting.name)).replace("(", "[").replace(")", "]")
            yield f"| `{section.name}.{setting.name}` | {default} | {setting.metadata['comment']} |"
    yield ""


def _is_value(name: str, member: object) -> bool:
    return not name.startswith("_") and isinstance(member, property | cached_property)


def _first_paragraph(member: Any) -> str:
    return inspect.cleandoc(member.__doc__ or "").split("\n\n")[0].removeprefix("Return ")


def _function(function: Callable[..., Any], name: str, *, level: int = 3, method: bool = False) -> Iterator[str]:
    short = name.rpartition(".")[2]
    yield from (f"{'#' * level} `{name}`", "", "```python", _signature(function, short, method), "```", "")
    yield from (line for line in _prose(function) if not (method and line == "* `run`: the run."))


def _signature(function: Callable[..., Any], name: str, method: bool) -> str:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    arguments = list(_arguments(tree.args))[int(method and tree.args.args[0].arg == "run") :]
    returns = f" -> {ast.unparse(tree.returns).strip(chr(39))}" if tree.returns else ""
    line = f"{name}({', '.join(arguments)}){returns}"
    if len(line) > _WIDTH:
        line = "\n".join([f"{name}(", *(f"    {one}," for one in arguments), f"){returns}"])
    return line.replace("'", '"')


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    """Yield each parameter with its annotation and default, without `self`."""
    first = len(arguments.args) - len(arguments.defaults)
    for index, argument in enumerate(arguments.args):
        if argument.arg not in ("self", "cls"):
            yield _argument(argument, arguments.defaults[index - first] if index >= first else None)
    if arguments.vararg:
        yield f"*{_argument(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _argument(argument, default)
    if arguments.kwarg:
        yield f"**{_argument(arguments.kwarg, None)}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    annotation = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    return f"{argument.arg}{annotation}{'' if default is None else f' = {ast.unparse(default)}'}"


def _prose(value: Any) -> Iterator[str]:
    """Yield the docstring as Markdown: sections of arguments as lists, examples as code."""
    for block in re.split(r"\n\n(?=\S)", inspect.cleandoc(value.__doc__ or "")):
        head, _, body = block.partition("\n")
        if head == "Example:":
            yield from ("```python", textwrap.dedent(body).replace("  # doctest: +SKIP", ""), "```", "")
        elif head in ("Args:", "Returns:", "Raises:", "Attributes:"):
            yield from (f"**{ {'Args:': 'Arguments'}.get(head, head[:-1]) }**", "")
            yield from _entries(textwrap.dedent(body), listed=head != "Returns:")
            yield ""
        else:
            yield from (_filled(block), "")


def _entries(body: str, *, listed: bool) -> Iterator[str]:
    if not listed:
        yield _filled(body)
        return
    for entry in re.split(r"\n(?=\S)", body):
        names, _, meaning = entry.partition(": ")
        yield _filled(f"* {', '.join(f'`{name}`' for name in names.split(', '))}: {meaning}", indent="  ")


def _filled(text: str, indent: str = "") -> str:
    text = _marked(" ".join(text.split()))
    return textwrap.fill(text, 120, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _marked(text: str) -> str:
    """Return reStructuredText's roles and literals as Markdown's code."""
    text = re.sub(r":\w+:`~(?:\w+\.)*(\w+)`", r"`\1`", text)
    return re.sub(r":\w+:`([^`]+)`", r"`\1`", text).replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(api_page(), encoding="utf-8")
