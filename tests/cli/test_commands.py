"""octavo train, evaluate, curves, tokenizer, runs and presets."""

import io
import json
import os
import re
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from octavo.cli.main import main
from octavo.cli.output import command
from octavo.cli.parser import parse
from octavo.cli.train import _summary
from octavo.errors import OctavoError
from octavo.pipeline.run import Run, load


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    assert main([*map(str, arguments)]) == 0
    return capsys.readouterr().out


def advised(said: str) -> list[list[str]]:
    """The commands that are printed below "next:", as the words of each after the program."""
    program = shlex.split(command("runs"))[:-1]
    lines = [shlex.split(line) for line in said.partition("next:\n")[2].splitlines()]
    assert all(line[: len(program)] == program for line in lines)
    return [line[len(program) :] for line in lines]


class TestTrain:
    def test_an_encoding_without_a_text_is_refused(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["train", "--encoding", "latin-1", "--steps", "1", "--runs", str(tmp_path)]) == 2
        assert "--encoding goes with a TEXT alone" in capsys.readouterr().err
        assert main(["train", "--documents", "file", "--steps", "1", "--runs", str(tmp_path)]) == 2
        assert "--documents goes with a TEXT alone" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())

    def test_says_what_came_of_it_and_what_to_type_next(
        self, play_file: Path, tiny: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings = [f"--{name}={value}" for name, value in tiny.items()]
        assert main(["train", str(play_file), "--steps", "6", "--runs", str(tmp_path), "--seed", "5", *settings]) == 0
        said = capsys.readouterr()
        run = load("play", runs=tmp_path)
        assert run.config.train.seed == 5
        score = run.evaluation
        words = f"{score.bits_per_character:.3f} bits per character ({score.nats_per_character:.3f} nats)"
        assert words in said.out
        assert str(run.path / "samples.txt") in said.out
        assert f"report   {run.path / 'report.html'}" in said.out
        assert (run.path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
        assert [words[0] for words in advised(said.out)] == ["generate", "evaluate", "tokenizer"]
        assert f"generate play MARCIUS: --runs {tmp_path}" in said.out
        assert f"{run.model.n_parameters():,} parameters" in said.err
        assert re.search(r"step 6: validation split \d\.\d{4}", said.err)
        assert "\x1b" not in said.out + said.err

    @pytest.mark.parametrize("where", ["there", "elsewhere", "beside"])
    def test_the_commands_to_type_next_work_from_where_the_user_stands(
        self,
        where: str,
        strange: Run,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """With the folder of runs given, with a run given by its path, and with an odd relative folder."""
        folder = tmp_path / "it's -my runs"
        folder.symlink_to(strange.path.parent)
        monkeypatch.chdir(tmp_path)
        runs = {"there": ["--runs", str(strange.path.parent)], "elsewhere": [], "beside": ["--runs", folder.name]}
        said = "\n".join(_summary(strange, tmp_path / "report.html", parse(["train", *runs[where]])))
        commands = advised(said)
        assert [words[0] for words in commands] == ["generate", "evaluate", "tokenizer"]
        for words in (commands[0], commands[2]):
            assert words[2] == "héllo"
            assert main([*words, *(["--max-new-tokens=2"] if words[0] == "generate" else [])]) == 0
        assert not capsys.readouterr().err

    @pytest.mark.parametrize(
        ("wrong", "code", "said"),
        [
            (KeyboardInterrupt, 130, ""),
            (OSError(28, "No space left"), 1, "no report: No space left"),
            (OctavoError("it is a folder: name a file"), 1, "no report: It is a folder: name a file."),
        ],
    )
    def test_a_report_that_is_not_made_costs_nothing_else(
        self,
        copied: Run,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        wrong: type[BaseException] | BaseException,
        code: int,
        said: str,
    ) -> None:
        def fail(*given: Any, **named: Any) -> None:
            raise wrong

        monkeypatch.setattr("octavo.reports.report.save_report", fail)
        (copied.path / "samples.txt").unlink()
        given = ["--resume", "--name", "play", "--runs", str(copied.path.parent)]
        assert main(["train", *given, "--quiet"]) == code
        out, err = capsys.readouterr()
        assert "bits per character" in out
        assert f"octavo report play --runs {copied.path.parent}" in out
        assert said in out
        assert "Traceback" not in err
        assert load(copied.path).evaluation
        assert not (copied.path / "report.html").exists()

    def test_parts_that_fail_prevent_no_other(
        self, copied: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*given: Any, **named: Any) -> None:
            raise PermissionError(13, "Permission denied", "elsewhere")

        (copied.path / "samples.txt").unlink()
        runs = ["--runs", str(copied.path.parent)]
        with monkeypatch.context() as patch:
            for part in ("baselines", "curves"):
                patch.setattr(Run, part, fail)
            assert main(["train", "--resume", "--quiet", *runs]) == 1
        said = " ".join(capsys.readouterr().out.split())
        assert "bits per character" in said
        assert "no baselines: Permission denied: elsewhere. no curves: Permission denied: elsewhere." in said
        assert f"samples {copied.path / 'samples.txt'}" in said
        assert f"report {copied.path / 'report.html'}" in said
        assert "steps.png" not in said
        assert (copied.path / "samples.txt").exists()
        assert told(capsys, "runs", *runs).rstrip().endswith("finished, without baselines and curves")
        assert main(["train", "--resume", *runs]) == 2
        assert "no unfinished run" in capsys.readouterr().err
        assert main(["train", "--resume", "--quiet", "--name", "play", *runs]) == 0
        assert told(capsys, "runs", *runs).rstrip().endswith("  finished")

    @pytest.mark.parametrize("form", [["--set", "model.n_layers=3"], ["--model.n_layers=3"]])
    def test_a_dry_run_tells_and_writes_nothing(
        self, play_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: list[str]
    ) -> None:
        small = ["--set", "model.d_model=32", "--model.d_ff=16", "--data.context_length=16", "--data.batch_size=4"]
        small.append("--tokenizer.vocab_size=512")
        runs = tmp_path / "runs"
        out = told(capsys, "train", play_file, "--dry-run", "--steps", "9", *small, *form, "--runs", runs)
        assert "about 9 steps" in out
        assert f"would be written to {runs / 'play'}" in out
        assert not runs.exists()
        found = re.search(r"([\d,]+) parameters", out)
        assert found
        block = 4 * 32 * 32 + 3 * 32 * 16 + 2 * 32 + 2 * 8  # attention, feed-forward, norms, norms of q and k
        assert int(found[1].replace(",", "")) == 512 * 32 + 32 + 3 * block

    def test_one_step_is_no_steps(
        self, play_file: Path, tiny: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings = [f"--{name}={value}" for name, value in tiny.items()]
        out = told(capsys, "train", play_file, "--dry-run", "--steps", "1", *settings, "--runs", tmp_path)
        assert "about 1 step (" in out

    def test_a_dry_run_does_not_resume(self, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
        given = ["--resume", "--name", trained.name, "--runs", str(trained.path.parent)]
        assert main(["train", "--dry-run", *given]) == 2
        assert "leave out --resume" in capsys.readouterr().err


class TestEvaluate:
    def test_shows_a_table_and_leaves_a_file(self, copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
        before = copied.evaluation
        out = told(capsys, "evaluate", copied.path, "--stride", "7")
        score = json.loads((copied.path / "evaluation.json").read_text())["all"][-1]
        assert (score["stride"], score["protocol"], score["characters"]) == (7, "sliding", 4_000)
        assert f"{score['nats_per_character']:.4f}" in out
        assert f"{score['bits_per_character']:.4f}" in out
        assert "windows of 32 tokens, 7 apart" in out
        assert load(copied.path).evaluation == before, "another stride is no standard score"
        assert score["nats_per_character"] == pytest.approx(before.nats_per_character, abs=0.1)

    def test_the_disjoint_protocol(self, copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
        out = told(capsys, "evaluate", copied.path, "--protocol", "disjoint", "--chunk-characters", "50")
        score = json.loads((copied.path / "evaluation.json").read_text())["all"][-1]
        assert (score["protocol"], score["window_characters"], score["characters"]) == ("disjoint", 50, 4_000)
        assert "50 characters" in out
        assert (
            out.splitlines()[0]
            == told(
                capsys, "evaluate", copied.path, "--protocol", "disjoint", "--window", "50", "--no-baselines"
            ).splitlines()[0]
        ), "its earlier name"

    def test_another_text_and_another_part(
        self, copied: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = copied.evaluation
        (tmp_path / "validation.txt").write_text("zz qq xx " * 40)
        out = told(capsys, "evaluate", copied.path, tmp_path / "validation.txt")
        assert "validation: 360 characters" in out
        assert json.loads((copied.path / "evaluation.json").read_text())["all"][-1]["characters"] == 360
        told(capsys, "evaluate", copied.path, "--split", "train")
        top = json.loads((copied.path / "evaluation.json").read_text())
        assert top.pop("all")[-1]["text"] == "train"
        assert top == asdict(before), "programs read the standard score there"
        assert load(copied.path).evaluation == before
        assert main(["evaluate", str(copied.path), "--split", "test"]) == 2
        assert "has no test split: it has train, validation" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("option", "value", "says"),
        [("--stride", "99", "1 to the context of 32"), ("--chunk-characters", "0", "out of range")],
    )
    def test_bad_values(
        self, trained: Run, capsys: pytest.CaptureFixture[str], option: str, value: str, says: str
    ) -> None:
        protocol = "disjoint" if option == "--chunk-characters" else "sliding"
        assert main(["evaluate", str(trained.path), "--protocol", protocol, option, value]) == 2
        assert says in capsys.readouterr().err


def test_curves_are_drawn_again(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (copied.path / "curves").iterdir():
        path.unlink()
    out = told(capsys, "curves", copied.path)
    names = {f"{axis}.{kind}" for axis in ("steps", "epochs", "seconds") for kind in ("png", "svg")} | {"curves.html"}
    assert {Path(line).name for line in out.splitlines()} == names == set(os.listdir(copied.path / "curves"))


class TestTokenizer:
    def test_shows_pieces_and_ids_and_that_they_give_the_text_back(
        self, trained: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = "First Citizen:\n\x1b"
        lines = told(capsys, "tokenizer", trained.path, text).splitlines()
        assert lines[0] == f"bpe, vocabulary of 512: {len(text)} characters, {len(lines) - 2} tokens"
        ids = [int(line.split()[0]) for line in lines[1:-1]]
        assert ids == trained.tokenizer.encode(text).tolist()
        assert trained.tokenizer.decode(ids) == text
        assert lines[-1].startswith("lossless")
        assert not any("\x1b" in line for line in lines)

    @pytest.mark.parametrize("how", ["-", "--file"])
    def test_the_text_from_a_file_or_standard_input(
        self,
        how: str,
        trained: Run,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        marked = b"\xef\xbb\xbfT"  # a byte order mark is no character
        (tmp_path / "text").write_bytes(marked)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(marked)))
        given = ["-"] if how == "-" else ["--file", tmp_path / "text"]
        assert "512: 1 character, 1 token\n" in told(capsys, "tokenizer", trained.path, *given)

    def test_of_the_run_itself_where_no_text_is_given(self, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
        assert "100 characters" in told(capsys, "tokenizer", trained.path)

    def test_of_bytes_that_are_half_a_character(self, strange: Run, capsys: pytest.CaptureFixture[str]) -> None:
        out = told(capsys, "tokenizer", strange.path, "😀")
        assert "1 character, 4 tokens" in out
        assert "\nlossless" in out


class TestRuns:
    def test_a_file_is_no_folder_of_runs(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").touch()
        assert main(["runs", "--runs", str(tmp_path / "file")]) == 2
        assert "name the folder of the runs with --runs" in capsys.readouterr().err

    def test_one_line_each_with_the_score(self, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
        head, *lines = told(capsys, "runs", "--runs", trained.path.parent).splitlines()
        assert head.split()[:3] == ["RUN", "BITS/CHAR", "NATS/CHAR"]
        assert len(lines) == 1
        cells = lines[0].split()
        assert cells[0] == "play"
        assert cells[1] == f"{trained.evaluation.bits_per_character:.3f}"
        assert cells[2] == f"{trained.evaluation.nats_per_character:.3f}"
        assert cells[3] == f"{trained.model.n_parameters():,}"
        assert (cells[4], cells[-1]) == ("80", "finished")

    def test_unfinished_and_damaged_ones_say_so(self, copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
        log = copied.path / "metrics.jsonl"
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
        assert "unfinished" in told(capsys, "runs", "--runs", copied.path.parent)
        (copied.path / "evaluation.json").unlink()
        for damage in ("{}", "[", '{"text": 1, "parameters": 2}', '{"text": {"name": 1}, "parameters": "x"}'):
            (copied.path / "provenance.json").write_text(damage)
            assert "damaged" in told(capsys, "runs", "--runs", copied.path.parent).splitlines()[1]

    def test_names_of_somebody_else_do_not_take_over_the_terminal(
        self, copied: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        provenance = json.loads((copied.path / "provenance.json").read_text())
        provenance["text"]["name"] = "\x1b[2J\u202e"
        (copied.path / "provenance.json").write_text(json.dumps(provenance))
        line = told(capsys, "runs", "--runs", copied.path.parent).splitlines()[1]
        assert "\\x1b[2J\\u202e" in line
        assert line.isprintable()

    def test_the_environment_says_where(
        self, trained: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OCTAVO_RUNS", str(trained.path.parent))
        assert "play" in told(capsys, "runs")


def test_presets_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "presets").splitlines()
    assert [line.split()[0] for line in lines] == ["minute", "pocket", "reference"]
    assert all(len(line.split()) > 4 for line in lines)
