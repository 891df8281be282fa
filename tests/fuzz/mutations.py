"""Mutations of a run's folder: mutant number i of a seed is always the same."""

import hashlib
import json
import os
import random
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DEEP = "[" * 100_000
_VALUES = (  # JSON text that replaces a value
    *("null", "true", "-1", "0", "1.5", "1e308", "1e999", "-1e999", "NaN", "Infinity", '""', '"x"', "[]", "{}"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" + "0" * 400, "1" + "0" * 5000),
    *('"../../etc/passwd"', '"/etc/passwd"', '"\\ud800"', '"\\u0000"', '"\\u001b[31m"', f'"{"x" * 100_000}"'),
    *("[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, _DEEP + "]" * 100_000, _DEEP),
)
_SETTINGS = (  # TOML text that replaces the value of a setting
    *("0", "-1", "1", "2", "3", "7", "64", "1048576", "1048577"),
    *("0x" + "f" * 200, "0x" + "f" * 9000, "9" * 5000, "9" * 100, "1e999"),
    *("nan", "inf", "true", '"x"', '""', "[]", "[0.9, 0.95]", "{}", "1979-05-27", "[" * 5000, '"""' + "x" * 9000),
    *('"sinusoidal"', '"learned"', '"none"', '"layer"', '"post"', '"adam"', '"characters"', '"whitespace-bpe"'),
)
_SENTINEL = "\u0001value\u0001"

Files = dict[str, bytes]
Mutators = list[tuple[str, Callable[[random.Random, bytes], bytes]]]


@dataclass(frozen=True)
class Mutant:
    """A change of one file: of its content, or with `place` of the kind of file."""

    file: str
    how: str
    sealed: bool = False  # the hashes are changed accordingly
    content: bytes | None = None
    place: Callable[[Path], None] | None = None

    def apply(self, run: Path, files: Files) -> None:
        """Apply the change to a copy of the run."""
        path = run / self.file
        if self.place is not None:
            path.unlink()
            self.place(path)
        elif self.content is not None:
            path.write_bytes(self.content)
        if self.sealed:
            _seal(run, self.file, files)


def mutant(files: Files, seed: int, number: int) -> Mutant:
    """Return mutant `number` of a run with these files, keyed by their names in its folder."""
    rng = random.Random(f"{seed} {number}")
    name = rng.choice(sorted(files))
    content = files[name]
    mutators = _BYTES if content else [("empty", _empty)]
    by_kind = {".json": _JSON, ".jsonl": _LINES, ".toml": _TOML, ".safetensors": _TENSORS, ".npy": _ARRAY}
    if (known := by_kind.get(Path(name).suffix)) and rng.random() < 0.75:
        mutators = known
    if rng.random() < 0.04:
        how, place = rng.choice(_FILE_KINDS)
        return Mutant(name, how, place=place)
    if content and rng.random() < (0.15 if name.startswith("data/") else 0.02):
        size = len(content) + rng.choice(_HOLES)
        sealed = rng.random() < 0.75
        return Mutant(name, f"is {size:,} bytes long by a hole", sealed, place=_hole(content, size))
    if rng.random() < 0.04:
        other = rng.choice(sorted(files))
        return Mutant(name, f"has the content of {other}", content=files[other])
    if name == "tokenizer.json" and rng.random() < 0.3:
        mutators = [("a long token", _long_token)]
    how, way = rng.choice(mutators)
    sealed = rng.random() < 0.6 and ("checkpoints/" in name or "data/" in name)
    return Mutant(name, how, sealed, way(rng, content))


def _flip(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 4, 64))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _truncate(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content))]


def _insert(rng: random.Random, content: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    piece = rng.choice((b"\0", b"\n", b"}", b"[", b'"', rng.randbytes(16), b"\xff\xfe", b"0" * 300))
    return content[:at] + piece + content[at:]


def _repeat(rng: random.Random, content: bytes) -> bytes:
    at = rng.randrange(len(content))
    end = at + rng.choice((1, 16, 256))
    return content[:end] + content[at:end] + content[end:]


def _empty(rng: random.Random, content: bytes) -> bytes:
    return b""


_BYTES: Mutators = [
    ("bits flipped", _flip),
    ("truncated", _truncate),
    ("inserted", _insert),
    ("a span repeated", _repeat),
    ("empty", _empty),
]


def _paths_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in inner for found in _paths_in(child, (*path, key)))]


def _json_value(rng: random.Random, content: bytes) -> bytes:
    """Replace one value."""
    value = json.loads(content)
    *outer, last = rng.choice(_paths_in(value)[1:] or [("",)])
    place = value
    for key in outer:
        place = place[key]
    if last == "":
        return rng.choice(_VALUES).encode()
    way = rng.random()
    if way < 0.2 and isinstance(place, dict):
        del place[last]
    elif way < 0.3 and isinstance(place, dict):
        place[rng.choice(("", "x", "../x", "a/b", "step", "\u202e"))] = place.pop(last)
    elif way < 0.4:
        place[last] = _number_near(rng, place[last])
    else:
        place[last] = _SENTINEL
    text = json.dumps(value, indent=1 if b"\n " in content else None)
    return text.replace(json.dumps(_SENTINEL), rng.choice(_VALUES)).encode()


def _number_near(rng: random.Random, value: Any) -> Any:
    if type(value) in (int, float):
        return value * rng.choice((-1, 2, 0.5, 1e6)) + rng.choice((0, 1, -1))
    return [value, value]


def _json_key_twice(rng: random.Random, content: bytes) -> bytes:
    found = list(re.finditer(rb'"[^"\n]*": *[^,\n{\[]+,', content))
    if not found:
        return content + content
    one = rng.choice(found)
    again = one[0] if rng.random() < 0.5 else one[0].split(b":")[0] + b": 7,"
    return content[: one.end()] + again + content[one.end() :]


_JSON: Mutators = [("a value", _json_value), ("a value", _json_value), ("a key twice", _json_key_twice)]


def _line(rng: random.Random, content: bytes) -> bytes:
    """Replace a value in a line, or repeat, remove or move a line."""
    lines = content.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    way = rng.random()
    if way < 0.6:
        lines[at] = _json_value(rng, lines[at].strip()) + b"\n"
    elif way < 0.7:
        lines.insert(at, lines[at])
    elif way < 0.8:
        del lines[at]
    elif way < 0.9:
        lines.insert(rng.randrange(len(lines)), lines.pop(at))
    else:
        lines[at] = rng.choice((b"\n", b"{}\n", b"[]\n", b"nonsense\n", b'{"event": "end"}\n', b'{"event": 3}\n'))
    return b"".join(lines)


def _many_lines(rng: random.Random, content: bytes) -> bytes:
    """Append very many lines of at most one value, which have no comma."""
    return content + rng.choice(_SHORT_LINES) * rng.choice((10_000, 8_000_000))


_SHORT_LINES = (
    b'{"event":"x"}\n',
    b"\n",
    b"{}\n",
    b'{"event":"x","figures":{}}\n',
    b'{"event":"%s"}\n' % (b"x" * 60),
)
_LINES: Mutators = [*[("a line", _line)] * 5, ("very many lines", _many_lines)]


def _long_token(rng: random.Random, content: bytes) -> bytes:
    """Add a token of thousands or millions of letters, or replace the last merged token by it."""
    tokenizer = json.loads(content)
    model = tokenizer["model"]
    number = len(model["vocab"])
    if rng.random() < 0.5:
        number = model["vocab"].pop("".join(model["merges"].pop()))
    model["vocab"][rng.choice("ab") * rng.choice((5_000, 2_000_000))] = number
    return json.dumps(tokenizer).encode()


def _setting(rng: random.Random, content: bytes) -> bytes:
    lines = content.decode().splitlines()
    at = rng.choice([number for number, line in enumerate(lines) if " = " in line])
    key = lines[at].split(" = ")[0]
    way = rng.random()
    if way < 0.7:
        lines[at] = f"{key} = {rng.choice(_SETTINGS)}"
    elif way < 0.8:
        lines.insert(at, lines[at])
    elif way < 0.9:
        del lines[at]
    else:
        lines.append(rng.choice(("[other]\nx = 1", "x = 1", "[data.more]\nx = 1", ".".join("a" * 5000) + " = 1")))
    return "\n".join(lines).encode()


_TOML: Mutators = [("a setting", _setting)]


def _tensor_header(rng: random.Random, content: bytes) -> bytes:
    (length,) = struct.unpack("<Q", content[:8])
    header = content[8 : 8 + length]
    if rng.random() < 0.25:
        other = rng.choice((0, 1, length - 1, length + 1, len(content), 2**31, 2**32, 2**63, 2**64 - 1))
        return struct.pack("<Q", other) + content[8:]
    if rng.random() < 0.5:
        header = _json_value(rng, header)
    else:
        dtype, shape = rng.choice(("F64", "F16", "BF16", "I8", "U64", "XX")), rng.choice(_SHAPES)
        words = [(rb'"F32"', f'"{dtype}"'.encode()), (rb'"shape":\[[^\]]*\]', b'"shape":' + shape)]
        pattern, new = rng.choice([*words, (rb'"data_offsets":\[[^\]]*\]', b'"data_offsets":' + shape)])
        found = list(re.finditer(pattern, header))
        one = rng.choice(found)
        header = header[: one.start()] + new + header[one.end() :]
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


_SHAPES = (
    *(b"[]", b"[0]", b"[-1]", b"[1.5]", b'["1"]', b"[4294967296,4294967296]", b"[9223372036854775807,2]"),
    *(b"[18446744073709551616]", b"[0,18446744073709551615]", b"[" + b"1," * 3000 + b"1]"),
)


def _tensor_numbers(rng: random.Random, content: bytes) -> bytes:
    """Replace some numbers by NaN, infinity, huge or other numbers."""
    (length,) = struct.unpack("<Q", content[:8])
    changed, start = bytearray(content), 8 + length
    for _ in range(rng.choice((1, 8, 512))):
        at = start + 4 * rng.randrange((len(content) - start) // 4)
        number = rng.choice((float("nan"), float("inf"), 3e38, -3e38, 1e-45, 0.0, rng.gauss(0, 1)))
        changed[at : at + 4] = struct.pack("<f", number)
    return bytes(changed)


def _tensor_place(rng: random.Random, content: bytes) -> bytes:
    """Give one tensor the byte range from the begin of one tensor to the end of another, with a fitting shape."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    tensors = [facts for name, facts in header.items() if name != "__metadata__"]
    borders = sorted({border for facts in tensors for border in facts["data_offsets"]})
    begin, end = sorted(rng.choices(borders, k=2))
    rng.choice(tensors).update(dtype="F32", shape=[(end - begin) // 4], data_offsets=[begin, end])
    changed = json.dumps(header).encode()
    return struct.pack("<Q", len(changed)) + changed + content[8 + length :]


_TENSORS: Mutators = [
    ("header", _tensor_header),
    ("header", _tensor_header),
    ("a tensor's range", _tensor_place),
    ("numbers", _tensor_numbers),
]


def _array_header(rng: random.Random, content: bytes) -> bytes:
    start = 10 + struct.unpack("<H", content[8:10])[0]
    old = content[10:start]
    kind = rng.choice((b"'|O'", b"'>u2'", b"'<u4'", b"'<i2'", b"'<f8'", b"'V9'", b"[('a','<u2')]"))
    shape = rng.choice((b"(-1,)", b"(2**70,)", b"(4611686018427387904, 4)", b"(1, 1)", b"()"))
    code = b"__import__('os').system('touch owned')\n"
    changed = (old.replace(b"'<u2'", kind), old.replace(b"False", b"True"), re.sub(rb"\(\d+,\)", shape, old))
    new = rng.choice((*changed, b"(" * 3000, code))
    length = struct.pack("<H", rng.choice((len(new), len(new), len(new), 0, 65535)))
    return content[:8] + length + new + content[start:]


def _array_numbers(rng: random.Random, content: bytes) -> bytes:
    start = 10 + struct.unpack("<H", content[8:10])[0]
    changed = bytearray(content)
    for _ in range(rng.choice((1, 20))):
        at = start + 2 * rng.randrange((len(content) - start) // 2)
        changed[at : at + 2] = struct.pack("<H", rng.choice((0, 1, 511, 512, 32768, 65535)))
    return bytes(changed)


_ARRAY: Mutators = [("header", _array_header), ("ids", _array_numbers)]


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


_FILE_KINDS: list[tuple[str, Callable[[Path], None]]] = [
    ("is a pipe", os.mkfifo),
    ("is a folder", Path.mkdir),
    ("is missing", lambda path: None),
    ("is a link to a device", _link("/dev/zero")),
    ("is a link out", _link("/etc/hostname")),
    ("is a link to itself", lambda path: path.symlink_to(path.name)),
    ("is a link to nothing", _link("nowhere")),
]


_HOLES = (2**20, 2**26, 2**30)  # bytes, which take no room on the disk


def _hole(content: bytes, size: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(content)
        os.truncate(path, size)

    return make


def _seal(run: Path, name: str, files: Files) -> None:
    """Make the hash of a changed file fit, as a forger would."""
    with (run / name).open("rb") as changed:
        digest = hashlib.file_digest(changed, "sha256").hexdigest()
    facts = {"bytes": (run / name).stat().st_size, "sha256": digest}
    folder, _, file = name.rpartition("/")
    if folder.startswith("checkpoints/") and file != "manifest.json":
        manifest = json.loads(files[f"{folder}/manifest.json"])
        manifest["files"][file] = facts
        (run / folder / "manifest.json").write_text(json.dumps(manifest))
    elif folder == "data" and file != "parts.json":
        parts = json.loads(files["data/parts.json"])
        stem, _, kind = file.partition(".")
        parts[stem] |= {"ids_sha256": facts["sha256"]} if kind == "npy" else facts
        (run / "data" / "parts.json").write_text(json.dumps(parts))
