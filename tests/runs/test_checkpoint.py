"""A checkpoint is whole or absent, and a damaged one is known."""

import errno
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError

from octavo.config import load_preset
from octavo.config.shapes import parameter_count
from octavo.errors import OctavoError, OctavoWarning
from octavo.runs.checkpoint import Checkpoint, bytes_needed, load_newest, save_checkpoint
from octavo.runs.checkpoint_files import Contents, manifest, max_file_bytes, newest_valid, sizes_match

FACTS: list[Any] = [  # none of them are those of a file
    *([], {}, {"bytes": "1"}, {"sha256": "a"}),
    *({"bytes": None, "sha256": "a"}, {"bytes": True, "sha256": "a"}, {"bytes": [], "sha256": "a"}),
]


def checkpoint(step: int, numbers: int = 1000) -> Checkpoint:
    values = torch.arange(numbers, dtype=torch.float32) + step
    tensors = {
        "weights": {"a.weight": values.reshape(10, -1), "half": values.bfloat16()},
        "optimizer": {"0.0.step": torch.tensor(float(step)), "0.0.count": torch.tensor([step])},
        "best": {},
    }
    return Checkpoint(tensors, {"step": step, "seconds": 0.1 + step, "unlogged": [1.5, 0.1]})


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def flip(path: Path, place: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing more fails with an OSError, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    saved = checkpoint(7)
    assert save_checkpoint(tmp_path / "checkpoints", saved, keep=2) == tmp_path / "checkpoints" / "step-00000007"
    place, loaded = load_newest(tmp_path / "checkpoints")
    assert place.name == "step-00000007"
    assert loaded.state == saved.state
    assert set(loaded.tensors) == {"weights", "optimizer"}
    for group, tensors in loaded.tensors.items():
        assert set(tensors) == set(saved.tensors[group])
        for name, tensor in tensors.items():
            assert tensor.dtype == saved.tensors[group][name].dtype
            assert torch.equal(tensor, saved.tensors[group][name])


def test_it_is_safetensors_and_json_only(tmp_path: Path) -> None:
    place = save_checkpoint(tmp_path, checkpoint(1), keep=2)
    assert names(place) == ["manifest.json", "optimizer.safetensors", "state.json", "weights.safetensors"]
    for path in place.glob("*.safetensors"):  # 8 bytes of length, then a JSON header
        content = path.read_bytes()
        assert isinstance(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]), dict)
    for path in place.glob("*.json"):
        assert isinstance(json.loads(path.read_bytes()), dict)


@pytest.mark.parametrize(("keep", "left"), [(1, [9, 12]), (2, [9, 12]), (3, [6, 9, 12]), (0, [3, 6, 9, 12])])
def test_the_newest_are_kept(tmp_path: Path, keep: int, left: list[int]) -> None:
    for step in (3, 6, 9, 12):
        save_checkpoint(tmp_path, checkpoint(step), keep)
    assert names(tmp_path) == [f"step-{step:08d}" for step in left]


def test_where_all_are_kept_those_that_the_clock_asked_for_go(tmp_path: Path) -> None:
    for step in (5, 10, 11, 13, 14, 15, 20):
        save_checkpoint(tmp_path, checkpoint(step), keep=0, every=5)
    assert names(tmp_path) == [f"step-{step:08d}" for step in (5, 10, 14, 15, 20)]


def test_steps_are_compared_as_numbers(tmp_path: Path) -> None:
    for step in (99_999_500, 100_000_000, 100_000_500):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    assert names(tmp_path) == ["step-100000000", "step-100000500"]


def test_a_step_saved_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(5, 10), keep=2)
    save_checkpoint(tmp_path, checkpoint(5, 20), keep=2)
    assert names(tmp_path) == ["step-00000005"]
    assert load_newest(tmp_path)[1].tensors["weights"]["half"].numel() == 20


@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["first byte", "a byte inside", "cut short", "missing", "empty"])
def test_of_a_damaged_newest_the_one_before_is_used(tmp_path: Path, file: str, damage: str) -> None:
    save_checkpoint(tmp_path, checkpoint(1), keep=2)
    path = save_checkpoint(tmp_path, checkpoint(2), keep=2) / file
    if damage in ("first byte", "a byte inside"):
        flip(path, 0 if damage == "first byte" else 0.5)
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] if damage == "cut short" else b"")
    with pytest.warns(OctavoWarning, match=rf"step-00000002 cannot be used \({file}.*\): step-00000001 is used$"):
        place, loaded = load_newest(tmp_path)
    assert (place.name, loaded.state["step"]) == ("step-00000001", 1)


@pytest.mark.parametrize("error", [TypeError, AttributeError, RuntimeError, IndexError])
def test_a_mistake_of_a_reader_is_not_taken_for_damage(tmp_path: Path, error: type[Exception]) -> None:
    """Training would go on from an older one, and delete it."""

    def mistaken(contents: Contents) -> None:
        raise error("of its own")

    for step in (1, 2):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    with pytest.raises(error, match="of its own"):
        newest_valid(tmp_path, mistaken)


@pytest.mark.parametrize("error", [ValueError, KeyError, SafetensorError])
def test_what_a_parser_raises_is_damage(tmp_path: Path, error: type[Exception]) -> None:
    def read(contents: Contents) -> int:
        step: int = json.loads(contents["state.json"])["step"]
        if step == 2:
            raise error("of a parser")
        return step

    for step in (1, 2):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    with pytest.warns(OctavoWarning, match="step-00000001 is used"):
        assert newest_valid(tmp_path, read)[1] == 1


@pytest.mark.parametrize(
    "files",
    [
        *([], {}, None, 3, {"state.json": 3, "weights.safetensors": 3}),
        *({"state.json": facts, "weights.safetensors": facts} for facts in FACTS),
    ],
)
def test_one_whose_manifest_has_other_types_is_damaged(tmp_path: Path, files: object) -> None:
    for step in (1, 2):
        newest = save_checkpoint(tmp_path, checkpoint(step), keep=2)
    for content in ({"files": files}, files):
        (newest / "manifest.json").write_text(json.dumps(content))
        with pytest.warns(OctavoWarning, match=r"cannot be used \(manifest\.json"):
            assert load_newest(tmp_path)[1].state["step"] == 1
        assert not sizes_match(newest)


@pytest.mark.parametrize("state", [[], 3, None, {}, {"step": "2"}, {"step": None}, {"step": [2]}])
def test_one_whose_state_has_other_types_is_damaged(tmp_path: Path, state: object) -> None:
    for step in (1, 2):
        newest = save_checkpoint(tmp_path, checkpoint(step), keep=2)
    (newest / "state.json").write_text(json.dumps(state))
    contents = {path.name: path.read_bytes() for path in newest.iterdir() if path.name != "manifest.json"}
    (newest / "manifest.json").write_bytes(manifest(contents))
    with pytest.warns(OctavoWarning, match=r"cannot be used \(state\.json"):
        assert load_newest(tmp_path)[1].state["step"] == 1


def test_damaged_ones_do_not_count_among_those_that_are_kept(tmp_path: Path) -> None:
    for step in (3, 6, 9):
        save_checkpoint(tmp_path, checkpoint(step), keep=3)
    for step in (6, 9):
        flip(tmp_path / f"step-{step:08d}" / "weights.safetensors", 0.5)
    with pytest.warns(OctavoWarning, match="step-00000003 is used"):
        load_newest(tmp_path)
    save_checkpoint(tmp_path, checkpoint(4), keep=2)  # the run went on from 3
    assert names(tmp_path) == ["step-00000003", "step-00000004"]
    assert load_newest(tmp_path)[1].state["step"] == 4


def test_one_whose_files_are_not_there_does_not_count_either(tmp_path: Path) -> None:
    for step in (3, 6):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    (tmp_path / "step-00000006" / "optimizer.safetensors").unlink()
    save_checkpoint(tmp_path, checkpoint(9), keep=2)
    assert names(tmp_path) == ["step-00000003", "step-00000006", "step-00000009"]
    flip(tmp_path / "step-00000009" / "weights.safetensors", 0.5)
    with pytest.warns(OctavoWarning, match="step-00000003 is used"):
        load_newest(tmp_path)
    for step in (9, 12):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    assert names(tmp_path) == ["step-00000009", "step-00000012"]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO])
def test_one_that_cannot_be_read_just_now_is_not_taken_for_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Training would go on from an older one, and delete it."""

    def fail(path: Path, *limits: Any) -> bytes:
        raise OSError(number, os.strerror(number), str(path))

    for step in (1, 2):
        save_checkpoint(tmp_path, checkpoint(step), keep=2)
    with monkeypatch.context() as patch:
        patch.setattr("octavo.runs.checkpoint_files.read_plain", fail)
        says = (
            rf"step-00000002 cannot be read \({os.strerror(number)}\): try again, or delete it to use the one before"
        )
        with pytest.raises(OctavoError, match=says):
            load_newest(tmp_path)
    assert load_newest(tmp_path)[1].state["step"] == 2


def test_the_bytes_that_one_needs_are_known(tmp_path: Path) -> None:
    place = save_checkpoint(tmp_path, checkpoint(1, 100_000), keep=2)
    on_disk = sum(path.stat().st_blocks * 512 for path in [place, *place.iterdir()])
    content = sum(path.stat().st_size for path in place.iterdir())
    assert content <= bytes_needed(checkpoint(1, 100_000)) <= content + 5 * 4096
    assert bytes_needed(checkpoint(1, 100_000)) == pytest.approx(on_disk, abs=2 * 4096)


def test_one_without_weights_is_damaged(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(1), keep=2)
    save_checkpoint(tmp_path, Checkpoint({}, {"step": 2}), keep=2)
    with pytest.warns(
        OctavoWarning, match=r"step-00000002 cannot be used \(manifest.json does not name the files of a checkpoint\)"
    ):
        assert load_newest(tmp_path)[0].name == "step-00000001"


def test_only_damaged_ones_are_refused_by_name(tmp_path: Path) -> None:
    for step in (1, 2):
        flip(save_checkpoint(tmp_path, checkpoint(step), keep=2) / "weights.safetensors", 0.9)
    with pytest.raises(OctavoError, match=r"only damaged checkpoints \(step-00000002, step-00000001\)"):
        load_newest(tmp_path)


def test_none_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match="has no checkpoint"):
        load_newest(tmp_path)
    (tmp_path / ".step-00000001").mkdir()  # a process died while it saved
    with pytest.raises(OctavoError, match="has no checkpoint"):
        load_newest(tmp_path)


class TestFailure:
    def test_of_the_disk_leaves_the_older_ones_and_nothing_else(self, tmp_path: Path) -> None:
        save_checkpoint(tmp_path, checkpoint(1), keep=1)
        with files_of_at_most(2000), pytest.raises(OSError, match="File too large"):
            save_checkpoint(tmp_path, checkpoint(2), keep=1)
        assert names(tmp_path) == ["step-00000001"]
        assert load_newest(tmp_path)[1].state["step"] == 1

    def test_of_the_content_leaves_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="not JSON compliant"):
            save_checkpoint(tmp_path, Checkpoint({}, {"step": 1, "loss": float("nan")}), keep=1)
        assert names(tmp_path) == []

    def test_what_a_killed_process_left_goes_with_the_next_checkpoint(self, tmp_path: Path) -> None:
        (tmp_path / ".step-00000001").mkdir()
        (tmp_path / ".step-00000001" / "weights.safetensors").write_bytes(b"half")
        (tmp_path / ".step-x").write_bytes(b"a file")
        (tmp_path / "step-00000001").write_bytes(b"a file")
        (tmp_path / "step-00000002").write_bytes(b"a file")
        save_checkpoint(tmp_path, checkpoint(1), keep=1)
        assert names(tmp_path) == ["step-00000001"]


ENDLESS = """
import sys; from pathlib import Path; import torch
from octavo.runs.checkpoint import Checkpoint, save_checkpoint
for step in range(1, 10**6):
    weights = {"w": torch.full((200_000,), float(step))}
    save_checkpoint(Path(sys.argv[1]), Checkpoint({"weights": weights}, {"step": step}), keep=2)
"""


def test_whenever_the_process_is_killed_every_visible_checkpoint_is_whole(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not (tmp_path / "step-00000005").exists() and time.monotonic() < deadline:
        time.sleep(0.003)
    process.send_signal(signal.SIGKILL)
    process.wait()
    visible = [name for name in names(tmp_path) if name.startswith("step-")]
    place, loaded = load_newest(tmp_path)
    assert place.name == visible[-1]
    assert loaded.state["step"] >= 5
    assert torch.equal(loaded.tensors["weights"]["w"], torch.full((200_000,), float(loaded.state["step"])))


@pytest.mark.parametrize(
    ("groups", "used"),
    [(["weights"], "weights"), (["weights", "averaged"], "averaged"), (["weights", "averaged", "best"], "best")],
)
def test_a_run_is_used_with_the_best_else_the_averaged_else_the_last_weights(groups: list[str], used: str) -> None:
    tensors = {group: {"w": torch.ones(1) * i} for i, group in enumerate(groups)}
    assert Checkpoint(tensors | ({} if "best" in groups else {"best": {}}), {}).eval_weights is tensors[used]


@pytest.mark.parametrize(
    "name", ["../../secret", "/etc/hostname", "..", "a/b", "more.safetensors", "", "manifest.json"]
)
def test_a_manifest_that_names_what_is_no_file_of_a_checkpoint_is_damaged(tmp_path: Path, name: str) -> None:
    """With size and hash of a file that is there."""
    (tmp_path / "secret").write_bytes(b"x")
    place = save_checkpoint(tmp_path / "checkpoints", checkpoint(1), keep=2)
    (place / "more.safetensors").write_bytes(b"x")
    content = json.loads((place / "manifest.json").read_bytes())
    content["files"][name] = {"bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    (place / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(OctavoError, match="only damaged checkpoints"):
        load_newest(tmp_path / "checkpoints")


def test_a_file_larger_than_a_model_of_the_config_has_is_not_read(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(1), keep=2)
    place = save_checkpoint(tmp_path, checkpoint(2, numbers=2000), keep=2)
    with pytest.warns(OctavoWarning, match="12,144 bytes, .* 10,000"):
        assert load_newest(tmp_path, 10_000)[0].name == "step-00000001"
    assert load_newest(tmp_path, (place / "weights.safetensors").stat().st_size)[0] == place


def test_no_more_may_be_read_than_a_run_of_its_config_can_have() -> None:
    pocket = load_preset("pocket")
    parameters, _ = parameter_count(pocket.model, pocket.tokenizer.vocab_size)
    assert 3 * 4 * parameters < max_file_bytes(pocket) < 3 * 4 * parameters + 2 * 2**20
