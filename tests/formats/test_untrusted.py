"""Files of somebody else: plain, within the run, of a size that makes sense, and JSON that means one thing."""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import OctavoError
from octavo.formats.untrusted import check_folder, parse_json, read_plain

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**63, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


class TestJson:
    @given(PLAIN)
    def test_what_python_writes_is_read_as_python_reads_it(self, value: Any) -> None:
        text = json.dumps(value)
        assert parse_json(text.encode()) == json.loads(text)

    @given(st.binary(max_size=60) | st.text(alphabet='[]{}":,0123456789eE+-.\\u dnaft', max_size=60).map(str.encode))
    def test_anything_else_is_a_value_error_or_what_python_reads(self, content: bytes) -> None:
        try:
            value = parse_json(content)
        except ValueError:
            return
        assert value == json.loads(content)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("[" * 100_000 + "]" * 100_000, "nests too deep"),
            ("[" * 100_000, "nests too deep"),
            ('{"a":' * 40 + "1" + "}" * 40, "nests too deep"),
            ('{"a": 1, "a": 1}', "repeats a key"),
            ('{"a": {"b": 1, "b": 2}}', "repeats a key"),
            ("[NaN]", "NaN or infinite"),
            ("[-Infinity]", "NaN or infinite"),
            ("1e999", "NaN or infinite"),
            ("9223372036854775808", "does not fit into 64 bits"),
            ("1" + "0" * 5000, "digits"),
            ('"\\ud800"', "surrogate"),
            ("[" + "0," * 8_000_001 + "0]", "too many values"),
        ],
        ids=lambda value: value[:12] if isinstance(value, str) else "",
    )
    def test_what_could_mean_two_things_or_much_work_is_refused(self, text: str, says: str) -> None:
        began = time.process_time()
        with pytest.raises(ValueError, match=says):
            parse_json(text.encode())
        assert time.process_time() - began < 1

    def test_what_just_fits_is_read(self) -> None:
        assert parse_json(b"[" * 31 + b"9223372036854775807" + b"]" * 31)
        assert parse_json(b'"\\ud83d\\ude00"') == "😀"
        assert math.isclose(parse_json(b"1e308"), 1e308)


class TestFiles:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Path:
        """A folder with a file and, beside it, something that is none of its business."""
        (tmp_path / "run" / "data").mkdir(parents=True)
        (tmp_path / "run" / "file").write_bytes(b"12345")
        (tmp_path / "secret").write_bytes(b"secret")
        return tmp_path / "run"

    def test_a_plain_file_is_read_and_a_missing_one_is_missing(self, run: Path) -> None:
        assert read_plain(run / "file", 5, run) == b"12345"
        with pytest.raises(FileNotFoundError):
            read_plain(run / "other", 5, run)

    def test_one_that_is_too_large_is_not_read(self, run: Path) -> None:
        with pytest.raises(OctavoError, match=r"file has 5 bytes, .* 4:"):
            read_plain(run / "file", 4, run)
        with (run / "huge").open("wb") as file:
            file.truncate(2**43)  # of holes: it takes no room on the disk
        with pytest.raises(OctavoError, match=r"8,796,093,022,208 bytes, more than"):
            read_plain(run / "huge", 2**60, run)

    @pytest.mark.parametrize("target", ["../secret", "/etc/hostname", "data/../../secret", "/dev/zero"])
    def test_a_link_out_of_the_run_is_refused(self, run: Path, target: str) -> None:
        (run / "link").symlink_to(target)
        with pytest.raises(OctavoError, match="link is a link out of the run's folder: put the file itself there"):
            read_plain(run / "link", 100, run)
        with pytest.raises(OctavoError, match="link is a link out of the run's folder"):
            check_folder(run)

    def test_so_is_a_folder_that_is_one(self, run: Path) -> None:
        (run / "checkpoints").symlink_to("..", target_is_directory=True)
        with pytest.raises(OctavoError, match="secret is a link out of the run's folder"):
            read_plain(run / "checkpoints" / "secret", 100, run)
        with pytest.raises(OctavoError, match="checkpoints is a link out of the run's folder"):
            check_folder(run)

    def test_a_link_within_the_run_and_a_link_to_the_run_are_followed(self, run: Path) -> None:
        (run / "data" / "link").symlink_to("../file")
        (run.parent / "alias").symlink_to("run")
        assert read_plain(run / "data" / "link", 5, run) == b"12345"
        assert read_plain(run.parent / "alias" / "data" / "link", 5, run.parent / "alias") == b"12345"
        check_folder(run.parent / "alias")

    def test_a_pipe_is_not_waited_for(self, run: Path) -> None:
        os.mkfifo(run / "data" / "pipe")
        with pytest.raises(OctavoError, match="pipe is not a plain file"):
            read_plain(run / "data" / "pipe", 5, run)
        with pytest.raises(OctavoError, match="pipe is not a plain file: remove it"):
            check_folder(run)

    def test_a_folder_is_no_file(self, run: Path) -> None:
        with pytest.raises(OctavoError, match="data is not a plain file"):
            read_plain(run / "data", 5, run)

    def test_folders_as_deep_as_no_run_has_are_refused(self, run: Path) -> None:
        deep, handles = run / "data", len(os.listdir("/dev/fd"))
        for _ in range(1200):
            deep /= "a"
            deep.mkdir()
        try:
            with pytest.raises(OctavoError, match="32 deep: it is not the folder of a"):
                check_folder(run)
        finally:
            while deep != run:
                deep.rmdir()
                deep = deep.parent
        assert len(os.listdir("/dev/fd")) == handles

    def test_a_folder_with_more_than_a_run_has_is_refused(self, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        check_folder(run)
        monkeypatch.setattr("octavo.formats.untrusted._MAX_ENTRIES", 0)
        with pytest.raises(OctavoError, match="more than 0 files: it is not the folder of a run"):
            check_folder(run)
