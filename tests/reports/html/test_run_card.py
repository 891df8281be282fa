"""A run that shows itself in a notebook."""

import shutil
from pathlib import Path

import pytest

import octavo
from octavo.pipeline.run import Run
from octavo.runs.completion import is_finished


def card(run: Run) -> str:
    return run._repr_html_()


def test_it_tells_the_score_the_size_and_what_to_call_next(trained: Run) -> None:
    html = card(trained)
    assert f"{trained.evaluation.bits_per_character:.3f} bits per character" in html
    assert f"{trained.model.n_parameters():,} parameters, 1 layer of 4 heads" in html
    assert "finished: 80 steps" in html
    assert "40,000 characters" in html
    assert "run.generate(&#39;MARCIUS:&#39;)" in html
    assert "<script" not in html


def test_of_an_unfinished_run_the_call_that_goes_on_works(copied: Run) -> None:
    log = copied.path / "metrics.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    html = card(copied)
    assert "unfinished: 80 steps" in html
    assert f"octavo.train(resume=True, name=&#39;{copied.path}&#39;)" in html
    assert is_finished(octavo.train(resume=True, name=str(copied.path), progress=False, brief=True).directory)


@pytest.mark.parametrize(
    "damaged", ["config.toml", "provenance.json", "evaluation.json", "metrics.jsonl", "data/train.txt"]
)
@pytest.mark.parametrize("content", [b"", b"\xff{<script>", None])
def test_a_damaged_run_shows_what_is_whole(damaged: str, content: bytes | None, copied: Run) -> None:
    (copied.path / damaged).unlink()
    if content is None:
        (copied.path / damaged).mkdir()
    else:
        (copied.path / damaged).write_bytes(content)
    html = card(Run(copied.directory))
    assert "play" in html
    assert "<script" not in html
    assert "Errno" not in html


def test_nor_does_one_that_is_gone_raise(copied: Run) -> None:
    shutil.rmtree(copied.path)
    assert str(copied.path) in card(copied)


def test_names_of_others_are_text(copied: Run, tmp_path: Path) -> None:
    place = tmp_path / "<b>\x1b[2J"
    shutil.copytree(copied.path, place)
    html = card(octavo.load(place))
    assert "&lt;b&gt;\\x1b[2J" in html


def test_pages_and_curves_are_saved_where_home_is(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(
        "octavo.reports.html.curves.draw_curves", lambda metrics, folder, *given: [folder / "steps.png"]
    )
    shown = trained.curves()
    assert shown.page.save("~/curves.html") == tmp_path / "curves.html"
    (tmp_path / "curves").mkdir()
    assert {path.parent for path in shown.save("~/curves")} == {tmp_path / "curves"}
