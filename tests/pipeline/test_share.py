"""A shared run: it works without its text, and holds none of it."""

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

import octavo
from octavo.cli.main import main
from octavo.corpus import Corpus
from octavo.errors import OctavoError
from octavo.pipeline.run import Run, load
from octavo.pipeline.train import train
from octavo.runs import list_runs
from octavo.runs.completion import is_finished

CANARY = "The quiet canary of Ravensworth hid seven silver spoons below the mill."
LONGEST = 40  # characters of the text in a row that must not be in the zip
OTHER = "To be, or not to be: that is the question.\n" * 40


@pytest.fixture(scope="module")
def secret(tiny: dict[str, Any], play: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on two files with a sentence that is repeated often, so that samples and findings quote it."""
    folder = tmp_path_factory.mktemp("private-place")
    texts = folder / "diary"
    texts.mkdir()
    (texts / "monday-notes.txt").write_text(f"{CANARY}\n" * 150 + play[:4000], encoding="utf-8")
    (texts / "tuesday-notes.txt").write_text(play[4000:6000] + f"{CANARY}\n" * 100, encoding="utf-8")
    overrides = tiny | {"train.sample_every": 20}
    run = train(texts, name="birds", steps=60, overrides=overrides, runs=folder / "runs", progress=False)
    run.evaluate(Corpus.from_text(OTHER, name="letters-to-ada"))
    octavo.report(run).save(run.path / "report.html")
    return run


@pytest.fixture(scope="module")
def shared(secret: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same, packed and unpacked."""
    folder = tmp_path_factory.mktemp("elsewhere")
    path = secret.share(folder / "birds.zip").path
    with zipfile.ZipFile(path) as file:
        file.extractall(folder)
    return load(folder / "birds")


def pieces(text: str) -> set[str]:
    return {text[start : start + LONGEST] for start in range(len(text) - LONGEST + 1)}


def test_it_holds_no_text_no_file_name_and_no_path(secret: Run, shared: Run) -> None:
    own = "".join(split.text for split in secret.splits.values())
    unwanted = pieces(own) | {"monday-notes", "tuesday-notes", "letters-to-ada", "private-place", str(Path.home())}
    longest = max(map(len, shared.tokenizer.token_bytes()))  # fragments up to that length are in the vocabulary
    assert longest < LONGEST
    unwanted |= {CANARY[start : start + longest + 1] for start in range(len(CANARY) - longest)}
    files = [path for path in shared.path.rglob("*") if path.is_file()]
    assert len(files) == 10
    for path in files:
        content = path.read_bytes().decode("utf-8", errors="replace")
        spellings = (content, content.replace("\\n", "\n"), content.replace("Ġ", " "))
        found = [piece for piece in unwanted if any(piece in spelling for spelling in spellings)]
        assert not found, path
    report = (secret.path / "report.html").read_text(encoding="utf-8")
    assert any(piece in report for piece in pieces(own))  # which is why it is not packed


def test_the_longest_token_is_stated(secret: Run, shared: Run, tmp_path: Path) -> None:
    longest = max(len(token.decode("utf-8", errors="replace")) for token in shared.tokenizer.token_bytes())
    found = secret.share(tmp_path / "a.zip")
    assert found.longest_token == longest
    assert f"{longest} characters" in (shared.path / "README.md").read_text(encoding="utf-8")


def test_the_model_card_has_size_score_and_baselines(secret: Run, shared: Run) -> None:
    card = (shared.path / "README.md").read_text(encoding="utf-8")
    assert f"{secret.evaluation.bits_per_character:.4f} bits per character" in card
    assert f"{secret.directory.provenance['text']['characters']:,} characters" in card
    for baseline in secret.baselines():
        assert f"{baseline.bits_per_character:.4f}" in card


def test_the_same_run_gives_the_same_bytes(secret: Run, tmp_path: Path) -> None:
    one, other = (secret.share(tmp_path / name).path for name in ("a.zip", "b.zip"))
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as file:
        names = file.namelist()
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert file.testzip() is None
    assert names == sorted(names)
    assert all(name.startswith("birds/") for name in names)


def test_an_existing_file_is_kept_unless_it_is_the_same(secret: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"something else")
    with pytest.raises(OctavoError, match="exists already"):
        secret.share(path)
    assert path.read_bytes() == b"something else"
    secret.share(path, overwrite=True)
    packed = path.read_bytes()
    assert zipfile.is_zipfile(io.BytesIO(packed))
    secret.share(path)
    assert path.read_bytes() == packed
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


class TestWhatWorks:
    """As with the run itself."""

    def test_generation(self, secret: Run, shared: Run) -> None:
        for prompt in ("", "To be\r\n"):
            assert shared.generate(prompt, max_new_tokens=30) == secret.generate(prompt, max_new_tokens=30)

    def test_generation_on_the_command_line(
        self, secret: Run, shared: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for prompt in ([], ["The qu"]):
            texts = []
            for run in (secret, shared):
                assert main(["generate", str(run.path), *prompt, "--max-new-tokens", "20"]) == 0
                texts.append(capsys.readouterr().out)
            assert texts[0] == texts[1] != ""

    @pytest.mark.parametrize(
        "command",
        [
            ["attention", "To be, or not to be"],
            ["lens", "To be, or not to be"],
            ["surprise", "To be, or not to be"],
            ["edit", "To be, or not to be", "--zero", "blocks.0.attention.head.0"],
            ["heads", OTHER, "--windows", "2"],
            ["tokenizer", "To be"],
            ["curves"],
            ["verify"],
            ["verify", "--full"],
        ],
        ids=lambda command: "-".join(command[:1] + command[2:3]),
    )
    def test_of_the_command_line(
        self, shared: Run, tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        name, *rest = command
        copy = shutil.copytree(shared.path, tmp_path / "birds")
        assert main([name, str(copy), *rest]) == 0
        assert "octavo: " not in capsys.readouterr().err

    def test_evaluation_of_a_given_text(
        self, secret: Run, shared: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        copy = load(shutil.copytree(shared.path, tmp_path / "birds"))
        text = Corpus.from_text(OTHER)
        assert copy.evaluate(text).bits_per_character == secret.evaluate(text).bits_per_character
        (tmp_path / "other.txt").write_text(OTHER, encoding="utf-8")
        assert main(["evaluate", str(copy.path), str(tmp_path / "other.txt")]) == 0
        assert "octavo: " not in capsys.readouterr().err

    def test_the_list_of_runs_and_the_score(
        self, secret: Run, shared: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert is_finished(shared.directory)
        assert [run.name for run in list_runs(shared.path.parent)] == ["birds"]
        assert shared.evaluation == secret.evaluation
        assert main(["runs", "--runs", str(shared.path.parent)]) == 0
        assert "finished" in capsys.readouterr().out
        assert "birds" in shared._repr_html_()

    def test_fine_tuning(self, secret: Run, shared: Run, play_file: Path, tmp_path: Path) -> None:
        run, other = (
            train(play_file, start_from=parent, steps=2, runs=tmp_path, progress=False, brief=True)
            for parent in (shared, secret)
        )
        assert run.fine_tuning is not None
        assert other.fine_tuning is not None
        assert run.fine_tuning.after.bits_per_character == other.fine_tuning.after.bits_per_character
        assert (run.fine_tuning.parent_text_before, run.fine_tuning.parent_text_after) == (None, None)
        parents = [one.directory.provenance["parent"] for one in (run, other)]
        assert parents[0]["weights"] == parents[1]["weights"]
        assert main(["verify", str(run.path)]) == 0


class TestRefusals:
    """One sentence that says what works instead."""

    @pytest.mark.parametrize(
        "command",
        [["evaluate"], ["report"], ["heads"], ["surprise"], ["edit", "a", "--mean", "blocks.0.attention.head.0"]],
        ids=lambda command: command[0],
    )
    def test_of_what_needs_the_text(
        self, shared: Run, command: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        name, *rest = command
        assert main([name, str(shared.path), *rest]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert "without its text" in error
        assert "a text that you give" in error

    def test_in_python(self, shared: Run) -> None:
        for call in (shared.evaluate, shared.baselines, shared.memorisation, shared.diagnose, shared.attention):
            with pytest.raises(OctavoError, match="without its text"):
                call()

    @pytest.mark.parametrize("budget", [[], ["--steps", "900"]])
    def test_of_resuming_and_extending(
        self, shared: Run, tmp_path: Path, budget: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        copy = Path(shutil.copytree(shared.path, tmp_path / "birds"))
        config = (copy / "config.toml").read_text(encoding="utf-8")
        (copy / "config.toml").write_text(config.replace('kind = "trapezoid"', 'kind = "constant"'))
        before = sorted(path.relative_to(copy) for path in copy.rglob("*"))
        assert main(["train", "--resume", "--name", str(copy), *budget]) == 2
        assert "without its text" in capsys.readouterr().err
        assert sorted(path.relative_to(copy) for path in copy.rglob("*")) == before

    def test_of_sharing_twice(self, shared: Run, tmp_path: Path) -> None:
        with pytest.raises(OctavoError, match="zip file that it came in"):
            shared.share(tmp_path / "a.zip")
        assert not list(tmp_path.iterdir())

    def test_of_an_unfinished_run(self, copied: Run, tmp_path: Path) -> None:
        lines = (copied.path / "metrics.jsonl").read_bytes().splitlines(keepends=True)
        (copied.path / "metrics.jsonl").write_bytes(b"".join(lines[:-1]))
        with pytest.raises(OctavoError, match="resume it"):
            copied.share(tmp_path / "out" / "a.zip")
        assert not (tmp_path / "out").exists()

    def test_of_a_damaged_run(self, copied: Run, tmp_path: Path) -> None:
        for file in ("provenance.json", "metrics.jsonl", "tokenizer.json"):
            content = (copied.path / file).read_bytes()
            (copied.path / file).write_bytes(b"{}\n")
            with pytest.raises(OctavoError):
                copied.share(tmp_path / "a.zip")
            (copied.path / file).write_bytes(content)
            copied = load(copied.path)
        assert not (tmp_path / "a.zip").exists()

    def test_of_the_zip_itself(self, secret: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = secret.share(tmp_path / "a.zip").path
        assert main(["generate", str(path)]) == 2
        assert "unpack it" in capsys.readouterr().err

    def test_of_a_folder(self, secret: Run, tmp_path: Path) -> None:
        assert main(["share", str(secret.path), "-o", str(tmp_path)]) == 2


def test_the_command_says_what_is_in_it_and_what_is_not(
    secret: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["share", str(secret.path), "-o", str(tmp_path / "a.zip")]) == 0
    said = capsys.readouterr().out
    assert "weights.safetensors" in said
    assert "samples" in said
    longest = secret.share(tmp_path / "a.zip").longest_token
    assert f"at most {longest} characters" in " ".join(said.split())
    assert main(["share", str(secret.path), "-o", str(tmp_path / "a.zip")]) == 0  # the same bytes


def test_a_strangers_opening_is_checked(shared: Run, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(shared.path, tmp_path / "birds"))
    provenance = json.loads((copy / "provenance.json").read_bytes())
    provenance["shared"] |= {"opening": [10**9], "line_end": "\x1b[2J"}
    (copy / "provenance.json").write_text(json.dumps(provenance))
    assert load(copy).generate("", max_new_tokens=3) is not None
    assert load(copy).generate("a\nb", max_new_tokens=3) is not None
