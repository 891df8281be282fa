"""Token files: a run's splits are read back as written, and a damaged folder is refused."""

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from octavo.corpus import CorpusSplit
from octavo.data.token_files import Ids, check_ids, documents, id_chunks, id_type, open_splits, save_splits, tokenize
from octavo.errors import OctavoError
from octavo.tokenizer.kinds import ByteBPE, WhitespaceBPE

TRAIN = CorpusSplit(("Grüße, 🙂\r\n", "\0second\n\n"))
REFUSAL = "does not hold a run's data"
STATUS = Path("/proc/self/status")
VALIDATION = CorpusSplit(("third <|endoftext|>",))


@pytest.fixture(scope="module")
def bpe() -> ByteBPE:
    return ByteBPE.train(TRAIN.text, 300)


@pytest.fixture
def folder(bpe: ByteBPE, tmp_path: Path) -> Path:
    splits = {"train": TRAIN, "validation": VALIDATION}
    save_splits(tmp_path / "data", {name: (split, tokenize(bpe, split)) for name, split in splits.items()})
    return tmp_path / "data"


def test_every_document_begins_with_the_bos_token(bpe: ByteBPE) -> None:
    ids = tokenize(bpe, TRAIN)
    first, second = (bpe.encode(segment).tolist() for segment in TRAIN.segments)
    assert ids.tolist() == [0, *first, 0, *second]
    assert ids.dtype == np.uint16
    assert [document.tolist() for document in documents(ids, 0)] == [first, second]


def test_more_ids_than_memory_should_hold_are_in_a_temporary_file(
    bpe: ByteBPE, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = tokenize(bpe, TRAIN)
    monkeypatch.setattr("octavo.data.token_files._MAX_IDS_IN_MEMORY", 3)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    in_file = tokenize(bpe, TRAIN)
    assert isinstance(in_file, np.memmap)
    assert not isinstance(in_memory, np.memmap)
    assert (in_file.dtype, in_file.tolist()) == (in_memory.dtype, in_memory.tolist())
    assert list(tmp_path.iterdir()) == []
    for name, ids in (("memory", in_memory), ("file", in_file)):
        save_splits(tmp_path / name, {"train": (TRAIN, ids)})
    assert (tmp_path / "file/train.npy").read_bytes() == (tmp_path / "memory/train.npy").read_bytes()
    np.save(tmp_path / "expected.npy", in_memory)
    assert (tmp_path / "file/train.npy").read_bytes() == (tmp_path / "expected.npy").read_bytes()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(OctavoError, match=r"nowhere .*TMPDIR"):
        tokenize(bpe, TRAIN)


def test_without_a_bos_token_documents_follow_each_other() -> None:
    tokenizer = WhitespaceBPE.train("to be or not", 50)
    ids = tokenize(tokenizer, CorpusSplit(("to be", "or not")))
    assert ids.tolist() == tokenizer.encode("to be or not").tolist()
    assert [document.tolist() for document in documents(ids, None)] == [ids.tolist()]
    assert tokenize(tokenizer, CorpusSplit(())).tolist() == []


def test_ids_are_as_small_as_the_vocabulary_allows(bpe: ByteBPE) -> None:
    class Large(ByteBPE):
        @property
        def vocab_size(self) -> int:
            return self.pretended

        pretended = 2**16

    large = Large(bpe.pipeline)
    assert id_type(large) is np.uint16
    large.pretended += 1
    assert id_type(large) is np.uint32


def test_splits_are_read_back_memory_mapped(bpe: ByteBPE, folder: Path) -> None:
    splits = open_splits(folder)
    assert list(splits) == ["train", "validation"]
    for split, original in zip(splits.values(), (TRAIN, VALIDATION), strict=True):
        assert isinstance(split.ids, np.memmap)
        assert split.ids.mode == "r"
        assert split.ids.dtype == np.uint16
        assert split.ids.tolist() == tokenize(bpe, original).tolist()
        assert split.text == original.text
        raw = original.text.encode("utf-8")
        facts = split.facts
        assert (facts.characters, facts.bytes, facts.tokens) == (len(original.text), len(raw), len(split.ids))
        assert facts.sha256 == hashlib.sha256(raw).hexdigest()
        assert (split.folder / f"{split.name}.txt").read_bytes() == raw
    assert (splits["train"].facts.documents, splits["validation"].facts.documents) == (2, 1)


def test_a_split_may_have_no_token(tmp_path: Path) -> None:
    one, none = np.array([1], dtype=np.uint16), np.array([], dtype=np.uint16)
    save_splits(
        tmp_path,
        {
            "train": (CorpusSplit(("a",)), one),
            "validation": (CorpusSplit(("a",)), one),
            "test": (CorpusSplit((" ",)), none),
        },
    )
    assert list(open_splits(tmp_path)) == ["train", "validation", "test"]
    assert open_splits(tmp_path)["test"].ids.tolist() == []


@pytest.mark.parametrize("name", ["parts.json", "train.npy", "validation.npy"])
def test_a_missing_file_is_noticed(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(OctavoError, match=rf"{REFUSAL} \(.*{name}.*\): train the run again"):
        open_splits(folder)


@pytest.mark.parametrize("content", ["", "{", "null", "3", "[]", "{}", '{"train": 3}', '{"train": {}}', "\0"])
def test_a_facts_file_that_is_not_one_is_refused(content: str, folder: Path) -> None:
    (folder / "parts.json").write_text(content)
    with pytest.raises(OctavoError, match=REFUSAL):
        open_splits(folder)


def test_facts_without_a_validation_split_are_refused(folder: Path) -> None:
    facts = json.loads((folder / "parts.json").read_text())
    del facts["validation"]
    (folder / "parts.json").write_text(json.dumps(facts))
    with pytest.raises(OctavoError, match=REFUSAL):
        open_splits(folder)


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, b"words", b"\x80\x04."]
)
def test_ids_in_a_file_of_another_format_are_refused(content: bytes, folder: Path) -> None:
    (folder / "train.npy").write_bytes(content)
    with pytest.raises(OctavoError, match=REFUSAL):
        open_splits(folder)


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2), np.uint16), np.zeros(4), np.zeros(4, np.int64), np.array([{}, "a"], dtype=object)]
)
def test_arrays_that_are_not_ids_are_refused(array: Ids, folder: Path) -> None:
    np.save(folder / "train.npy", array)
    with pytest.raises(OctavoError, match=REFUSAL):
        open_splits(folder)


def test_a_truncated_array_is_refused(folder: Path) -> None:
    path = folder / "train.npy"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(OctavoError, match=REFUSAL):
        open_splits(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"<u2", b"|O8"),
        lambda raw: raw.replace(b"<u2", b">u2"),
        lambda raw: raw.replace(b"False", b"True "),
        lambda raw: raw.replace(b",), }", b", 1)}"),
        lambda raw: raw.replace(b"'shape': (", b"'shape': (2**70*"),
        lambda raw: raw[:8] + b"\xff\xff" + raw[10:],
        lambda raw: raw[:10] + b"(" * (len(raw) - 10),
        lambda raw: raw.replace(b"\x93NUMPY\x01", b"\x93NUMPY\x02"),
        lambda raw: raw + b"\0\0",
        lambda raw: raw[:-2],
    ],
)
def test_a_header_that_octavo_does_not_write_is_refused(change: Callable[[bytes], bytes], folder: Path) -> None:
    """The recorded hash is right, as an attacker would make it."""
    raw = change((folder / "train.npy").read_bytes())
    assert raw != (folder / "train.npy").read_bytes()
    (folder / "train.npy").write_bytes(raw)
    facts = json.loads((folder / "parts.json").read_text())
    facts["train"]["ids_sha256"] = hashlib.sha256(raw).hexdigest()
    (folder / "parts.json").write_text(json.dumps(facts))
    with pytest.raises(OctavoError, match=REFUSAL):
        open_splits(folder)


def test_changed_ids_are_found_by_their_hash(folder: Path) -> None:
    raw = bytearray((folder / "train.npy").read_bytes())
    raw[-2] ^= 1
    (folder / "train.npy").write_bytes(bytes(raw))
    with pytest.raises(OctavoError, match=r"train\.npy is damaged"):
        open_splits(folder)


def test_facts_of_an_earlier_version_have_no_hash_and_are_read(folder: Path) -> None:
    facts = json.loads((folder / "parts.json").read_text())
    for part in facts.values():
        del part["ids_sha256"]
    (folder / "parts.json").write_text(json.dumps(facts))
    assert open_splits(folder)["train"].text == TRAIN.text


@pytest.mark.parametrize("count", ["characters", "bytes", "tokens", "documents"])
@pytest.mark.parametrize("value", [0, -1, 2**62, 1.5, None])
def test_impossible_counts_are_refused(count: str, value: object, folder: Path) -> None:
    facts = json.loads((folder / "parts.json").read_text())
    facts["train"][count] = value
    (folder / "parts.json").write_text(json.dumps(facts))
    if count in ("characters", "bytes", "documents") and value == 2**62:
        assert open_splits(folder)["train"].ids.tolist()  # nothing is allocated for it
        return
    with pytest.raises(OctavoError, match=REFUSAL):
        open_splits(folder)


def test_a_changed_text_is_refused(folder: Path) -> None:
    part = open_splits(folder)["train"]
    raw = (folder / "train.txt").read_bytes()
    (folder / "train.txt").write_bytes(raw[:-1] + b"!")
    with pytest.raises(OctavoError, match="is not the text that was trained on"):
        _ = part.text
    with pytest.raises(OctavoError, match="is not the text that was trained on"):
        part.beginning(3)
    (folder / "train.txt").write_bytes(raw + b"!")
    with pytest.raises(OctavoError, match=r"bytes, more than"):
        _ = part.text
    (folder / "train.txt").unlink()
    with pytest.raises(OctavoError, match=r"train\.txt cannot be read"):
        _ = part.text


def test_a_text_is_verified_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.data.token_files._READ_BYTES", 1)
    hashed: list[int] = []
    sha256 = hashlib.sha256

    class Counting:
        def __init__(self) -> None:
            self.digest = sha256()

        def update(self, raw: bytes) -> None:
            hashed.append(len(raw))
            self.digest.update(raw)

        def hexdigest(self) -> str:
            return self.digest.hexdigest()

    part = open_splits(folder)["train"]
    monkeypatch.setattr("octavo.data.token_files.hashlib.sha256", Counting)
    assert part.beginning(3) == TRAIN.text[:3]
    assert sum(hashed) == part.facts.bytes
    hashed.clear()
    assert part.beginning(2) == TRAIN.text[:2]
    assert sum(hashed) < part.facts.bytes


def test_the_beginning_of_a_long_text_needs_little_memory(folder: Path) -> None:
    size = 2**26
    with (folder / "train.txt").open("r+b") as file:
        file.truncate(size)  # a sparse file, which takes no disk space
    raw = (folder / "train.txt").read_bytes()
    facts = json.loads((folder / "parts.json").read_text())
    facts["train"] |= {"bytes": size, "sha256": hashlib.sha256(raw).hexdigest()}
    (folder / "parts.json").write_text(json.dumps(facts))
    part = open_splits(folder)["train"]
    tracemalloc.start()
    try:
        beginning = part.beginning(10)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert beginning == TRAIN.text[:10]
    assert most < 2**24
    assert part.text == raw.decode()


def test_a_character_that_spans_two_reads_is_decoded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.data.token_files._READ_BYTES", 1)
    part = open_splits(folder)["train"]
    assert part.text == TRAIN.text
    for characters in (0, 3, 8, 1000):
        assert part.beginning(characters) == TRAIN.text[:characters]
    raw = (folder / "train.txt").read_bytes() + "é".encode()[:1]
    (folder / "train.txt").write_bytes(raw)
    facts = json.loads((folder / "parts.json").read_text())
    facts["train"] |= {"bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    (folder / "parts.json").write_text(json.dumps(facts))
    with pytest.raises(OctavoError, match=r"train\.txt cannot be read \(it is not UTF-8\)"):
        open_splits(folder)["train"].beginning(3)


def test_ids_beyond_the_vocabulary_are_refused(folder: Path) -> None:
    splits = open_splits(folder)
    highest = max(int(part.ids.max()) for part in splits.values())
    check_ids(splits, highest + 1)
    with pytest.raises(OctavoError, match="has ids beyond the vocabulary"):
        check_ids(splits, highest)


@pytest.mark.parametrize("count", [0, 1, 2**20, 2**20 + 1])
def test_chunks_of_ids_are_all_ids(count: int) -> None:
    ids = np.arange(count, dtype=np.uint32)
    assert np.array_equal(np.concatenate([np.empty(0, np.uint32), *id_chunks(ids)]), ids)


def mapped_bytes() -> int:
    """Return how many bytes of files are in this process's memory."""
    return next(
        int(line.split()[1]) * 1024 for line in STATUS.read_text().splitlines() if line.startswith("RssFile:")
    )


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux reports how much of a file is in memory")
def test_pages_that_were_read_are_released(tmp_path: Path) -> None:
    np.save(tmp_path / "ids.npy", np.ones(16 << 20, np.uint16))
    ids = np.lib.format.open_memmap(tmp_path / "ids.npy", mode="r")
    before = mapped_bytes()
    assert sum(int(chunk.sum()) for chunk in id_chunks(ids[1:])) == len(ids) - 1
    assert mapped_bytes() - before < 4 << 20
    assert int(ids.sum()) == len(ids)
    assert mapped_bytes() - before > 24 << 20, "otherwise the assertion above could not fail"
