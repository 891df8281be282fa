"""A run's folder: its name, how it comes to be, and how it is found again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from octavo.cli.arguments import output_path, text_of
from octavo.cli.parser import parse
from octavo.config import load_preset
from octavo.config.overrides import Request
from octavo.errors import OctavoError
from octavo.experiments import read_spec
from octavo.formats.toml_schema import to_toml
from octavo.runs import (
    NameTaken,
    RunDirectory,
    check_name,
    create_run,
    find_run,
    free_name,
    list_runs,
    open_run,
    runs_root,
)


def make(root: Path, name: str) -> RunDirectory:
    return create_run(root, name, lambda folder: (folder / "config.toml").touch())


@pytest.mark.parametrize("name", ["a", "Hamlet-2", "größe", "日本", "v1.2+x_y", "x" * 100, "7"])
def test_names_that_are_fit(name: str, tmp_path: Path) -> None:
    check_name(name)
    (tmp_path / name).mkdir()


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "-x", "a/b", "a\\b", "a b", "a\n", "x\0", "x" * 101, "a:b"]
)
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(OctavoError, match="cannot be the name of a run: use letters"):
        check_name(name)


@pytest.mark.parametrize("name", ["con", "AUX", "nul.v2", "Com1", "lpt9.a.b", "dotted."])
def test_names_that_are_not_on_windows(name: str) -> None:
    with pytest.raises(OctavoError, match="cannot be a folder's name on Windows: choose another name"):
        check_name(name)
    check_name(f"a-{name}s")


def test_a_name_longer_than_a_file_system_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OctavoError):
        make(tmp_path, "文" * 100)
    assert os.listdir(tmp_path) == []


def test_it_is_filled_and_found_by_name_and_by_path(tmp_path: Path) -> None:
    run = make(tmp_path / "new" / "runs", "a")
    assert run.path == tmp_path / "new" / "runs" / "a"
    assert open_run("a", tmp_path / "new" / "runs").path == run.path
    assert open_run(run.path, tmp_path).path == run.path
    assert os.listdir(tmp_path / "new" / "runs") == ["a"]


def test_it_is_never_overwritten(tmp_path: Path) -> None:
    make(tmp_path, "a")
    before = (tmp_path / "a" / "config.toml").stat()
    with pytest.raises(OctavoError, match=r"a exists already: resume it, or choose another name"):
        make(tmp_path, "a")
    assert (tmp_path / "a" / "config.toml").stat() == before


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), OctavoError("x")])
def test_nothing_is_left_behind_when_filling_fails(tmp_path: Path, error: BaseException) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise error

    with pytest.raises(type(error)):
        create_run(tmp_path, "a", fill)
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(
        OctavoError, match=r"a cannot be created \(No space left on device\): free 1,000 bytes or choose"
    ):
        create_run(tmp_path, "a", fill, needs=1000)
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OctavoError, match="cannot be created"):
        make(tmp_path / "file", "a")


def test_of_two_processes_at_the_same_moment_the_second_is_refused(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "config.toml").write_text("second")
        made = tmp_path / "a"
        made.mkdir()
        (made / "config.toml").write_text("first")  # another process has come to its end meanwhile

    with pytest.raises(NameTaken, match="a exists already: resume it"):
        create_run(tmp_path, "a", fill)
    assert (tmp_path / "a" / "config.toml").read_text() == "first"
    assert os.listdir(tmp_path) == ["a"]


def test_two_that_are_half_made_at_once_do_not_touch_each_other(tmp_path: Path) -> None:
    """As of two containers on one disk, whose processes may have the same number."""

    def fill(folder: Path) -> None:
        (folder / "config.toml").write_text("first")
        with pytest.raises(KeyboardInterrupt):
            create_run(tmp_path, "a", interrupted)
        assert (folder / "config.toml").exists()

    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    assert (create_run(tmp_path, "a", fill).path / "config.toml").read_text() == "first"
    assert os.listdir(tmp_path) == ["a"]


def test_what_a_dead_process_left_of_a_run_goes_after_a_day(tmp_path: Path) -> None:
    for name in (".a.01234567", ".a.89abcdef", ".b.01234567"):
        (tmp_path / name / "data").mkdir(parents=True)
    for name in (".a.01234567", ".b.01234567"):
        os.utime(tmp_path / name, (1000, 1000))
    make(tmp_path, "a")
    assert sorted(os.listdir(tmp_path)) == [".a.89abcdef", ".b.01234567", "a"]


def test_a_run_can_be_read_by_whom_the_person_lets(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert make(tmp_path, "a").path.stat().st_mode == (tmp_path / "plain").stat().st_mode


LISTED = """
import os, sys; from pathlib import Path
from octavo.runs import list_runs
if os.geteuid() == 0:
    os.setuid(65534)
root = Path(sys.argv[1])
try:
    (root / "private" / "config.toml").stat()
except PermissionError:
    print(*(run.name for run in list_runs(root)))
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_a_folder_of_somebody_else_hides_no_run(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    make(tmp_path, "a")
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    (tmp_path / "private").chmod(0o700 if os.geteuid() == 0 else 0)
    done = subprocess.run([sys.executable, "-c", LISTED, str(tmp_path)], capture_output=True, text=True, check=False)
    (tmp_path / "private").chmod(0o700)
    assert (done.stdout, done.stderr) == ("a\n", "")


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    assert free_name(tmp_path, "a") == "a"
    make(tmp_path, "a")
    assert free_name(tmp_path, "a") == "a-2"
    make(tmp_path, "a-2")
    assert free_name(tmp_path, "a") == "a-3"


def test_runs_are_listed_oldest_first_and_other_folders_are_not(tmp_path: Path) -> None:
    for age, name in enumerate(["b", "c", "a"]):
        run = make(tmp_path, name)
        os.utime(run.path / "config.toml", (1000 + age, 1000 + age))
    (tmp_path / "other").mkdir()
    (tmp_path / ".a.77").mkdir()
    (tmp_path / ".a.77" / "config.toml").write_text("")
    (tmp_path / "file").write_text("")
    assert [run.name for run in list_runs(tmp_path)] == ["b", "c", "a"]
    assert list_runs(tmp_path / "missing") == []


def test_a_missing_run_is_a_sentence_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match=r"there is no run x: "):
        open_run("x", tmp_path)
    make(tmp_path, "a")
    make(tmp_path, "b")
    with pytest.raises(OctavoError, match=r"there is no run x: .* a, b"):
        open_run("x", tmp_path)


@pytest.mark.parametrize("given", ["x" * 300, "a\0b", "a/" * 3000])
def test_what_is_no_path_to_anything_is_no_run(tmp_path: Path, given: str) -> None:
    with pytest.raises(OctavoError, match="there is no run"):
        open_run(given, tmp_path)


def test_the_working_directory_as_a_run_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make(tmp_path, "a").path)
    assert open_run(".", tmp_path).name == "a"


def test_where_runs_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTAVO_RUNS", raising=False)
    assert runs_root() == Path("runs")
    monkeypatch.setenv("OCTAVO_RUNS", "elsewhere")
    assert runs_root() == Path("elsewhere")
    assert runs_root("given") == Path("given")


class TestFiles:
    def test_the_config_is_read_back(self, tmp_path: Path) -> None:
        for preset in ("pocket", "reference"):
            config = load_preset(preset)
            (tmp_path / "config.toml").write_text(to_toml(config))
            assert RunDirectory(tmp_path).config == config

    def test_json_is_read_back(self, tmp_path: Path) -> None:
        RunDirectory(tmp_path).write_json("x.json", {"ä": [1, 0.1, None]})
        assert RunDirectory(tmp_path).read_json("x.json") == {"ä": [1, 0.1, None]}
        assert os.listdir(tmp_path) == ["x.json"]

    def test_json_that_could_not_be_read_again_is_not_written(self, tmp_path: Path) -> None:
        run = RunDirectory(tmp_path)
        run.write_json("x.json", {"a": 1})
        with pytest.raises(OctavoError, match=r"x\.json would have 1,048,588 bytes, .* 1,048,576"):
            run.write_json("x.json", {"a": "x" * 2**20})
        assert run.read_json("x.json") == {"a": 1}
        run.write_json("x.json", {"a": "x" * 2**20}, max_bytes=2**21)
        with pytest.raises(OctavoError, match=r"more than the limit of 1,048,576"):
            run.read_json("x.json")
        assert len(run.read_json("x.json", max_bytes=2**21)["a"]) == 2**20

    @pytest.mark.parametrize("content", [b"", b"[1]", b'{"a": ', b"\xff"])
    def test_damaged_json_is_a_sentence(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "provenance.json").write_bytes(content)
        with pytest.raises(OctavoError, match=r"provenance\.json (is damaged|cannot be read)"):
            _ = RunDirectory(tmp_path).provenance

    def test_settings_that_are_longer_than_any_are_refused(self, tmp_path: Path) -> None:
        text = to_toml(load_preset("pocket"))
        (tmp_path / "config.toml").write_text(text + "#" * (2**14 - len(text)))
        assert RunDirectory(tmp_path).config == load_preset("pocket")
        (tmp_path / "config.toml").write_text(text + "#" * (2**14 - len(text) + 1))
        with pytest.raises(OctavoError, match=r"config\.toml has 16,385 bytes, .* 16,384"):
            _ = RunDirectory(tmp_path).config

    def test_a_missing_one_says_that_this_is_no_run(self, tmp_path: Path) -> None:
        with pytest.raises(OctavoError, match=r"is not a run: it has no config\.toml"):
            _ = RunDirectory(tmp_path).config

    def test_finished_is_when_the_last_event_is_the_end(self, tmp_path: Path) -> None:
        found = [RunDirectory(tmp_path).ended]
        for content in (
            '{"event": "step"}\n',
            '{"event": "step"}\n{"event": "end"}\n',
            '{"event": "step"}\n{"event": "end"}',  # it died while writing
        ):
            (tmp_path / "metrics.jsonl").write_text(content)
            found.append(RunDirectory(tmp_path).ended)
        assert found == [False, False, True, False]


class TestHome:
    """``~`` is the home folder, in whatever way a path is given: a shell leaves it in --runs=~/x."""

    @pytest.fixture(autouse=True)
    def _home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path.parent)

    def test_in_the_folder_of_runs_and_in_a_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert runs_root("~/runs") == runs_root(Path("~/runs")) == tmp_path / "runs"
        monkeypatch.setenv("OCTAVO_RUNS", "~/kept")
        assert runs_root() == tmp_path / "kept"
        made = make(tmp_path, "a")
        assert find_run("~/a", Path("elsewhere")).path == made.path

    def test_one_of_nobody_stays(self) -> None:
        assert runs_root("~no such user/x") == Path("~no such user/x")

    def test_in_a_preset_and_an_experiment(self, tmp_path: Path) -> None:
        (tmp_path / "small.toml").write_text("[model]\nn_layers = 1\n")
        assert Request("~/small.toml").applied_to(None).model.n_layers == 1
        (tmp_path / "e.toml").write_text(
            'text = "~/a.txt"\nseeds = [1]\nsteps = 1\n[variants.a]\npreset = "~/small.toml"\n'
        )
        spec = read_spec("~/e.toml")
        assert spec.text == (str(tmp_path / "a.txt"),)
        assert spec.variants[0].config.model.n_layers == 1

    def test_in_options_of_the_command_line(self, tmp_path: Path) -> None:
        assert output_path(parse(["report", "a", "--output=~/x"])) == tmp_path / "x"
        (tmp_path / "text").write_text("words")
        assert text_of(parse(["surprise", "a", "--file=~/text"])) == "words"


def test_a_misspelt_run_is_asked_after(tmp_path: Path) -> None:
    make(tmp_path, "shakespeare")
    make(tmp_path, "hamlet")
    for name in ("Shakespeare", "shakespare", "shakespeare2"):
        with pytest.raises(OctavoError, match=f"no run {name} in .*: did you mean shakespeare"):
            open_run(name, tmp_path)
