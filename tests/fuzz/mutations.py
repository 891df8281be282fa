"""What can become of a run's folder: mutant number i of a seed is always the same."""

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
_VALUES = (  # JSON text that takes the place of a value
    *("null", "true", "-1", "0", "1.5", "1e308", "1e999", "-1e999", "NaN", "Infinity", '""', '"x"', "[]", "{}"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" + "0" * 400, "1" + "0" * 5000),
    *('"../../etc/passwd"', '"/etc/passwd"', '"\\ud800"', '"\\u0000"', '"\\u001b[31m"', f'"{"x" * 100_000}"'),
    *("[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, _DEEP + "]" * 100_000, _DEEP),
)
_SETTINGS = (  # the same of a setting
    *(
        "0",
        "-1",
        "1",
        "2",
        "3",
        "7",
        "64",
        "1048576",
        "1048577",
        "0x" + "f" * 200,
        "0x" + "f" * 9000,
        "9" * 5000,
        "9" * 100,
        "1e999",
    ),
    *("nan", "inf", "true", '"x"', '""', "[]", "[0.9, 0.95]", "{}", "1979-05-27", "[" * 5000, '"""' + "x" * 9000),
    *('"sinusoidal"', '"learned"', '"none"', '"layer"', '"post"', '"adam"', '"characters"', '"whitespace-bpe"'),
)
_SENTINEL = "\u0001value\u0001"

Files = dict[str, bytes]
Ways = list[tuple[str, Callable[[random.Random, bytes], bytes]]]


@dataclass(frozen=True)
class Mutant:
    """A change of one file: of its bytes, or where `place` is given of what lies there."""

    file: str
    how: str
    sealed: bool = False  # whether the hashes were made to fit
    content: bytes | None = None
    place: Callable[[Path], None] | None = None

    def apply(self, run: Path, files: Files) -> None:
        """Make the change in a copy of the run."""
        path = run / self.file
        if self.place is not None:
            path.unlink()
            self.place(path)
        elif self.content is not None:
            path.write_bytes(self.content)
        if self.sealed:
            _seal(run, self.file, files)


def mutant(files: Files, seed: int, number: int) -> Mutant:
    """Mutant `number` of a run with these files, by their names in its folder."""
    chance = random.Random(f"{seed} {number}")
    name = chance.choice(sorted(files))
    content = files[name]
    ways = _BYTES if content else [("empty", _empty)]
    by_kind = {".json": _JSON, ".jsonl": _LINES, ".toml": _TOML, ".safetensors": _TENSORS, ".npy": _ARRAY}
    if (known := by_kind.get(Path(name).suffix)) and chance.random() < 0.75:
        ways = known
    if chance.random() < 0.04:
        how, place = chance.choice(_PLACES)
        return Mutant(name, how, place=place)
    if content and chance.random() < (0.15 if name.startswith("data/") else 0.02):
        size = len(content) + chance.choice(_HOLES)
        sealed = chance.random() < 0.75
        return Mutant(name, f"is {size:,} bytes long by a hole", sealed, place=_hole(content, size))
    if chance.random() < 0.04:
        other = chance.choice(sorted(files))
        return Mutant(name, f"has the content of {other}", content=files[other])
    if name == "tokenizer.json" and chance.random() < 0.3:
        ways = [("a long token", _long_token)]
    how, way = chance.choice(ways)
    sealed = chance.random() < 0.6 and ("checkpoints/" in name or "data/" in name)
    return Mutant(name, how, sealed, way(chance, content))


def _flip(chance: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 4, 64))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def _insert(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content) + 1)
    piece = chance.choice((b"\0", b"\n", b"}", b"[", b'"', chance.randbytes(16), b"\xff\xfe", b"0" * 300))
    return content[:at] + piece + content[at:]


def _twice(chance: random.Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    end = at + chance.choice((1, 16, 256))
    return content[:end] + content[at:end] + content[end:]


def _empty(chance: random.Random, content: bytes) -> bytes:
    return b""


_BYTES: Ways = [
    ("bits flipped", _flip),
    ("cut off", _cut),
    ("inserted", _insert),
    ("a stretch twice", _twice),
    ("empty", _empty),
]


def _places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, child in inner for found in _places_in(child, (*path, key)))]


def _json_value(chance: random.Random, content: bytes) -> bytes:
    """Another value in one place."""
    value = json.loads(content)
    *outer, last = chance.choice(_places_in(value)[1:] or [("",)])
    place = value
    for key in outer:
        place = place[key]
    if last == "":
        return chance.choice(_VALUES).encode()
    way = chance.random()
    if way < 0.2 and isinstance(place, dict):
        del place[last]
    elif way < 0.3 and isinstance(place, dict):
        place[chance.choice(("", "x", "../x", "a/b", "step", "\u202e"))] = place.pop(last)
    elif way < 0.4:
        place[last] = _number_near(chance, place[last])
    else:
        place[last] = _SENTINEL
    text = json.dumps(value, indent=1 if b"\n " in content else None)
    return text.replace(json.dumps(_SENTINEL), chance.choice(_VALUES)).encode()


def _number_near(chance: random.Random, value: Any) -> Any:
    if type(value) in (int, float):
        return value * chance.choice((-1, 2, 0.5, 1e6)) + chance.choice((0, 1, -1))
    return [value, value]


def _json_key_twice(chance: random.Random, content: bytes) -> bytes:
    found = list(re.finditer(rb'"[^"\n]*": *[^,\n{\[]+,', content))
    if not found:
        return content + content
    one = chance.choice(found)
    again = one[0] if chance.random() < 0.5 else one[0].split(b":")[0] + b": 7,"
    return content[: one.end()] + again + content[one.end() :]


_JSON: Ways = [("a value", _json_value), ("a value", _json_value), ("a key twice", _json_key_twice)]


def _line(chance: random.Random, content: bytes) -> bytes:
    """Another value in a line, or a line twice, missing, or somewhere else."""
    lines = content.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    way = chance.random()
    if way < 0.6:
        lines[at] = _json_value(chance, lines[at].strip()) + b"\n"
    elif way < 0.7:
        lines.insert(at, lines[at])
    elif way < 0.8:
        del lines[at]
    elif way < 0.9:
        lines.insert(chance.randrange(len(lines)), lines.pop(at))
    else:
        lines[at] = chance.choice((b"\n", b"{}\n", b"[]\n", b"nonsense\n", b'{"event": "end"}\n', b'{"event": 3}\n'))
    return b"".join(lines)


def _many_lines(chance: random.Random, content: bytes) -> bytes:
    """Lines of one value, or none, which have no comma."""
    return content + chance.choice(_SHORT_LINES) * chance.choice((10_000, 8_000_000))


_SHORT_LINES = (
    b'{"event":"x"}\n',
    b"\n",
    b"{}\n",
    b'{"event":"x","figures":{}}\n',
    b'{"event":"%s"}\n' % (b"x" * 60),
)
_LINES: Ways = [*[("a line", _line)] * 5, ("very many lines", _many_lines)]


def _long_token(chance: random.Random, content: bytes) -> bytes:
    """Of thousands or millions of letters, beside the others or in the place of the last that was merged."""
    tokenizer = json.loads(content)
    model = tokenizer["model"]
    number = len(model["vocab"])
    if chance.random() < 0.5:
        number = model["vocab"].pop("".join(model["merges"].pop()))
    model["vocab"][chance.choice("ab") * chance.choice((5_000, 2_000_000))] = number
    return json.dumps(tokenizer).encode()


def _setting(chance: random.Random, content: bytes) -> bytes:
    lines = content.decode().splitlines()
    at = chance.choice([number for number, line in enumerate(lines) if " = " in line])
    key = lines[at].split(" = ")[0]
    way = chance.random()
    if way < 0.7:
        lines[at] = f"{key} = {chance.choice(_SETTINGS)}"
    elif way < 0.8:
        lines.insert(at, lines[at])
    elif way < 0.9:
        del lines[at]
    else:
        lines.append(chance.choice(("[other]\nx = 1", "x = 1", "[data.more]\nx = 1", ".".join("a" * 5000) + " = 1")))
    return "\n".join(lines).encode()


_TOML: Ways = [("a setting", _setting)]


def _tensor_header(chance: random.Random, content: bytes) -> bytes:
    (length,) = struct.unpack("<Q", content[:8])
    header = content[8 : 8 + length]
    if chance.random() < 0.25:
        other = chance.choice((0, 1, length - 1, length + 1, len(content), 2**31, 2**32, 2**63, 2**64 - 1))
        return struct.pack("<Q", other) + content[8:]
    if chance.random() < 0.5:
        header = _json_value(chance, header)
    else:
        dtype, shape = chance.choice(("F64", "F16", "BF16", "I8", "U64", "XX")), chance.choice(_SHAPES)
        words = [(rb'"F32"', f'"{dtype}"'.encode()), (rb'"shape":\[[^\]]*\]', b'"shape":' + shape)]
        pattern, new = chance.choice([*words, (rb'"data_offsets":\[[^\]]*\]', b'"data_offsets":' + shape)])
        found = list(re.finditer(pattern, header))
        one = chance.choice(found)
        header = header[: one.start()] + new + header[one.end() :]
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


_SHAPES = (
    *(b"[]", b"[0]", b"[-1]", b"[1.5]", b'["1"]', b"[4294967296,4294967296]", b"[9223372036854775807,2]"),
    *(b"[18446744073709551616]", b"[0,18446744073709551615]", b"[" + b"1," * 3000 + b"1]"),
)


def _tensor_numbers(chance: random.Random, content: bytes) -> bytes:
    """Some numbers of another kind: none, infinite, huge, or just others."""
    (length,) = struct.unpack("<Q", content[:8])
    changed, start = bytearray(content), 8 + length
    for _ in range(chance.choice((1, 8, 512))):
        at = start + 4 * chance.randrange((len(content) - start) // 4)
        number = chance.choice((float("nan"), float("inf"), 3e38, -3e38, 1e-45, 0.0, chance.gauss(0, 1)))
        changed[at : at + 4] = struct.pack("<f", number)
    return bytes(changed)


def _tensor_place(chance: random.Random, content: bytes) -> bytes:
    """One tensor from where one begins to where one ends, with a shape that fits."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    tensors = [facts for name, facts in header.items() if name != "__metadata__"]
    borders = sorted({border for facts in tensors for border in facts["data_offsets"]})
    begin, end = sorted(chance.choices(borders, k=2))
    chance.choice(tensors).update(dtype="F32", shape=[(end - begin) // 4], data_offsets=[begin, end])
    changed = json.dumps(header).encode()
    return struct.pack("<Q", len(changed)) + changed + content[8 + length :]


_TENSORS: Ways = [
    ("header", _tensor_header),
    ("header", _tensor_header),
    ("a tensor's place", _tensor_place),
    ("numbers", _tensor_numbers),
]


def _array_header(chance: random.Random, content: bytes) -> bytes:
    start = 10 + struct.unpack("<H", content[8:10])[0]
    old = content[10:start]
    kind = chance.choice((b"'|O'", b"'>u2'", b"'<u4'", b"'<i2'", b"'<f8'", b"'V9'", b"[('a','<u2')]"))
    shape = chance.choice((b"(-1,)", b"(2**70,)", b"(4611686018427387904, 4)", b"(1, 1)", b"()"))
    code = b"__import__('os').system('touch owned')\n"
    changed = (old.replace(b"'<u2'", kind), old.replace(b"False", b"True"), re.sub(rb"\(\d+,\)", shape, old))
    new = chance.choice((*changed, b"(" * 3000, code))
    length = struct.pack("<H", chance.choice((len(new), len(new), len(new), 0, 65535)))
    return content[:8] + length + new + content[start:]


def _array_numbers(chance: random.Random, content: bytes) -> bytes:
    start = 10 + struct.unpack("<H", content[8:10])[0]
    changed = bytearray(content)
    for _ in range(chance.choice((1, 20))):
        at = start + 2 * chance.randrange((len(content) - start) // 2)
        changed[at : at + 2] = struct.pack("<H", chance.choice((0, 1, 511, 512, 32768, 65535)))
    return bytes(changed)


_ARRAY: Ways = [("header", _array_header), ("ids", _array_numbers)]


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


_PLACES: list[tuple[str, Callable[[Path], None]]] = [
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
