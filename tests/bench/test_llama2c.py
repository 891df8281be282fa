"""llama2.c: the model file has the documented layout, and the real program generates the same tokens with it."""

import re
import struct
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from octavo.bench.generator import GREEDY, SAMPLED, TextGenerator, make_text_generator
from octavo.bench.llama2c import (
    LLAMA,
    Llama2c,
    compare_with_llama2c,
    interleave_rotary,
    model_bin,
    swap_start_ids,
    tokenizer_bin,
)
from octavo.config import ModelConfig
from octavo.generate.decoding import decode
from octavo.generate.streams import ContextWindow, Request
from octavo.model import Transformer

SMALL = ModelConfig(d_model=16, n_heads=4, n_kv_heads=2, d_ff=24, n_layers=3, qk_norm=False)
CONTEXT, VOCABULARY, START = 10, 20, 7

# Prints three tokens and a line of the test's choice, and exits with a code.
FAKE = '#include <stdio.h>\nint main(void) {{ printf("3 4 5\\n"); fprintf(stderr, "{}\\n"); return {}; }}\n'


@pytest.fixture
def generator() -> TextGenerator:
    """A generator whose blocks and embedding are random."""
    result, random = make_text_generator(LLAMA), torch.Generator().manual_seed(3)
    with torch.no_grad():
        result.model.embedding.weight.normal_(0, 0.1, generator=random)
        for name, weight in result.model.named_parameters():
            if name.endswith(("attention.output.weight", "feedforward.down.weight")):
                weight.normal_(0, 0.3, generator=random)
    return result


def test_the_file_has_the_documented_layout() -> None:
    """Read back as run.c's memory_map_weights does."""
    model = Transformer(SMALL, VOCABULARY, 5)
    content = model_bin(model, START, CONTEXT)
    assert struct.unpack("<7i", content[:28]) == (16, 24, 3, 4, 2, VOCABULARY, CONTEXT)
    numbers, weights = torch.from_numpy(np.frombuffer(content, "<f4", offset=28).copy()), model.state_dict()
    ids, offset = swap_start_ids(VOCABULARY, START), 0
    shapes = {
        "embedding": (VOCABULARY, 16),
        "attention_norm": (3, 16),
        "attention.q": (3, 16, 16),
        "attention.k": (3, 8, 16),
        "attention.v": (3, 8, 16),
        "attention.output": (3, 16, 16),
        "feedforward_norm": (3, 16),
        "feedforward.gate": (3, 24, 16),
        "feedforward.down": (3, 16, 24),
        "feedforward.up": (3, 24, 16),
        "final_norm": (16,),
    }
    for name, shape in shapes.items():
        found = numbers[offset : offset + int(np.prod(shape))].view(shape)
        offset += found.numel()
        if name in ("embedding", "final_norm"):
            expected = weights[f"{name}.weight"]
            assert torch.equal(found[ids] if name == "embedding" else found, expected)
            continue
        for layer, weight in enumerate(found):
            expected = weights[f"blocks.{layer}.{name}.weight"]
            heads = {"attention.q": 4, "attention.k": 2}.get(name)
            assert torch.equal(weight, expected if heads is None else interleave_rotary(expected, heads))
    assert torch.equal(numbers[offset:], torch.zeros(CONTEXT * 4))  # two tables of half a head


def test_dimensions_that_rope_rotates_together_are_adjacent() -> None:
    rows = torch.arange(12.0)[:, None].expand(12, 3)
    assert interleave_rotary(rows, 2)[:, 0].tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]


def test_start_tokens_are_exchanged() -> None:
    ids = swap_start_ids(6, 4)
    assert ids.tolist() == [0, 4, 2, 3, 1, 5]
    assert ids[ids].tolist() == list(range(6))
    assert swap_start_ids(3, 1).tolist() == [0, 1, 2]


def test_the_tokenizers_file() -> None:
    assert tokenizer_bin([b"a", b"bcd"]) == struct.pack("<ifi1sfi3s", 3, 0.0, 1, b"a", 0.0, 3, b"bcd")


@pytest.mark.usefixtures("compiler")
def test_the_real_program_generates_the_same_tokens(
    peer_folder: Path, generator: TextGenerator, tmp_path: Path
) -> None:
    start = generator.tokenizer.bos_id
    assert start is not None
    peer = Llama2c.build(peer_folder / "llama2.c", tmp_path, generator.model, start, 64)
    generated, rate = peer.generate(64, GREEDY)
    own = decode(generator.model, Request([[]], ContextWindow(64, start), GREEDY, seeds=[(0, 0)]))
    assert swap_start_ids(512, start)[generated].tolist() == [token for (token,) in islice(own, 64)]
    assert len(set(generated)) > 20
    assert rate > 0


@pytest.mark.usefixtures("compiler", "little")
def test_a_program_that_prints_a_rate_is_compared_and_its_early_end_noted(tmp_path: Path) -> None:
    (tmp_path / "run.c").write_text(FAKE.format("achieved tok/s: 1000.0", 0))
    (found,) = compare_with_llama2c(tmp_path, {"sampled": SAMPLED}, 6, 2)
    assert found.title.endswith(", sampled")
    assert found.measurements[0].name == "llama2.c"
    assert found.measurements[0].rates == pytest.approx((1000, 1000))
    assert "3 of 6 tokens" in found.notes[-1]


@pytest.mark.usefixtures("compiler", "little")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "no run.c in"),
        ("int main(void) { return x; }", "run.c cannot be compiled: .*x"),
        (FAKE.format("nothing", 0), "3 tokens .* no rate"),
        (FAKE.format("achieved tok/s: inf", 0), "3 tokens .* no rate"),
        (FAKE.format("malloc failed!", 1), "code 1: malloc failed!"),
    ],
)
def test_a_failure_is_a_note_with_its_reason(text: str | None, why: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "run.c").write_text(text)
    (found,) = compare_with_llama2c(tmp_path, {"greedy": GREEDY}, 6, 1)
    assert not found.measurements
    assert re.match(rf"llama2\.c .*: .*{why}", found.notes[0])


@pytest.mark.usefixtures("little")
def test_a_missing_compiler_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run.c").touch()
    monkeypatch.setattr("shutil.which", lambda name: None)
    (found,) = compare_with_llama2c(tmp_path, {"greedy": GREEDY}, 6, 1)
    (note,) = found.notes
    assert "no C compiler" in note
