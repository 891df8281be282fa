"""A run whose text and file are out to become markup."""

from collections.abc import Iterator
from typing import Any

import pytest

from octavo.interpret.heads import measure_heads
from octavo.pipeline.run import Run
from octavo.pipeline.train import train

EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module", autouse=True)
def _few_windows() -> Iterator[None]:
    """Heads measured over few windows."""

    def few(*given: Any, **named: Any) -> Any:
        return measure_heads(*given, **named | {"windows": 3})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("octavo.interpret.run_analyses.measure_heads", few)
        yield


@pytest.fixture(scope="session")
def evil(play: str, tiny: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained on a text that is full of markup, from a file whose name is; for reading only."""
    folder = tmp_path_factory.mktemp("evil")
    source = folder / "<img src=x onerror=alert(2)> & [link](x) `code`.txt"
    links = "http://evil.example www.evil.example a@b.example\n"
    source.write_text((EVIL + "\n" + links + play[:300] + "\n```\n# No title\n") * 40)
    return train(source, steps=60, overrides=tiny, runs=folder / "runs", progress=False)
