"""Token ids are gone through in stretches, and what was read of a file for that does not stay in memory."""

from pathlib import Path

import numpy as np
import pytest

from octavo.data import id_chunks

STATUS = Path("/proc/self/status")


@pytest.mark.parametrize("count", [0, 1, 2**20, 2**20 + 1])
def test_the_stretches_are_the_whole(count: int) -> None:
    ids = np.arange(count, dtype=np.uint32)
    assert np.array_equal(np.concatenate([np.empty(0, np.uint32), *id_chunks(ids)]), ids)


def mapped() -> int:
    """Bytes of files that are in this process's memory."""
    return next(
        int(line.split()[1]) * 1024 for line in STATUS.read_text().splitlines() if line.startswith("RssFile:")
    )


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells what of a file is in memory")
def test_what_was_read_of_a_file_does_not_stay(tmp_path: Path) -> None:
    np.save(tmp_path / "ids.npy", np.ones(16 << 20, np.uint16))
    ids = np.lib.format.open_memmap(tmp_path / "ids.npy", mode="r")
    before = mapped()
    assert sum(int(block.sum()) for block in id_chunks(ids[1:])) == len(ids) - 1
    assert mapped() - before < 4 << 20
    assert int(ids.sum()) == len(ids)
    assert mapped() - before > 24 << 20, "otherwise the figure above says nothing"
