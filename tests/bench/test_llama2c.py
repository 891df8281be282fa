"""llama2.c: its file has the documented layout, and the real program writes the same tokens by it."""

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
from octavo.model import Transformer

SMALL = ModelConfig(d_model=16, n_heads=4, n_kv_heads=2, d_ff=24, n_layers=3, qk_norm=False)
CONTEXT, VOCABULARY, START = 10, 20, 7

# Prints what it is asked to: a stand-in for the program that tells a rate.
TELLS = '#include <stdio.h>\nint main(void) {{ printf("3 4 5\\n"); fprintf(stderr, "{}\\n"); return {}; }}\n'


@pytest.fixture
def writer() -> TextGenerator:
    """A writer whose blocks do something, and whose tokens differ."""
    found, random = make_text_generator(LLAMA), torch.Generator().manual_seed(3)
    with torch.no_grad():
        found.model.embedding.weight.normal_(0, 0.1, generator=random)
        for name, weight in found.model.named_parameters():
            if name.endswith(("attention.output.weight", "feedforward.down.weight")):
                weight.normal_(0, 0.3, generator=random)
    return found


def test_the_file_has_the_documented_layout() -> None:
    """Read back as run.c's memory_map_weights does."""
    model = Transformer(SMALL, VOCABULARY, 5)
    content = model_bin(model, START, CONTEXT)
    assert struct.unpack("<7i", content[:28]) == (16, 24, 3, 4, 2, VOCABULARY, CONTEXT)
    numbers, weights = torch.from_numpy(np.frombuffer(content, "<f4", offset=28).copy()), model.state_dict()
    ids, place = swap_start_ids(VOCABULARY, START), 0
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
        found = numbers[place : place + int(np.prod(shape))].view(shape)
        place += found.numel()
        if name in ("embedding", "final_norm"):
            expected = weights[f"{name}.weight"]
            assert torch.equal(found[ids] if name == "embedding" else found, expected)
            continue
        for layer, weight in enumerate(found):
            expected = weights[f"blocks.{layer}.{name}.weight"]
            heads = {"attention.q": 4, "attention.k": 2}.get(name)
            assert torch.equal(weight, expected if heads is None else interleave_rotary(expected, heads))
    assert torch.equal(numbers[place:], torch.zeros(CONTEXT * 4))  # two tables of half a head


def test_pairs_that_are_turned_together_lie_side_by_side() -> None:
    rows = torch.arange(12.0)[:, None].expand(12, 3)
    assert interleave_rotary(rows, 2)[:, 0].tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]


def test_start_tokens_change_places() -> None:
    ids = swap_start_ids(6, 4)
    assert ids.tolist() == [0, 4, 2, 3, 1, 5]
    assert ids[ids].tolist() == list(range(6))
    assert swap_start_ids(3, 1).tolist() == [0, 1, 2]


def test_the_tokenizers_file() -> None:
    assert tokenizer_bin([b"a", b"bcd"]) == struct.pack("<ifi1sfi3s", 3, 0.0, 1, b"a", 0.0, 3, b"bcd")


@pytest.mark.usefixtures("compiler")
def test_the_real_program_writes_the_same_tokens(peer_folder: Path, writer: TextGenerator, tmp_path: Path) -> None:
    start = writer.tokenizer.bos_id
    assert start is not None
    peer = Llama2c.build(peer_folder / "llama2.c", tmp_path, writer.model, start, 64)
    written, rate = peer.write(64, GREEDY)
    own = decode(writer.model, [[]], context_length=64, bos_id=start, sampling=GREEDY, seeds=[(0, 0)])
    assert swap_start_ids(512, start)[written].tolist() == [token for (token,) in islice(own, 64)]
    assert len(set(written)) > 20
    assert rate > 0


@pytest.mark.usefixtures("compiler", "little")
def test_a_program_that_tells_a_rate_is_compared_and_its_early_end_told(tmp_path: Path) -> None:
    (tmp_path / "run.c").write_text(TELLS.format("achieved tok/s: 1000.0", 0))
    (found,) = compare_with_llama2c(tmp_path, {"sampled": SAMPLED}, 6, 2)
    assert found.title == "Beside llama2.c, the same weights on one thread each, sampled"
    assert found.measured[0].name == "llama2.c"
    assert found.measured[0].rates == pytest.approx((1000, 1000))
    assert found.notes[-1] == "llama2.c ended after 3 of 6 tokens: there came token 1, where it ends."


@pytest.mark.usefixtures("compiler", "little")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "there is no run.c in"),
        ("int main(void) { return x; }", "run.c cannot be compiled: "),
        (TELLS.format("nothing", 0), "it wrote 3 tokens and said no rate."),
        (TELLS.format("achieved tok/s: inf", 0), "it wrote 3 tokens and said no rate."),
        (TELLS.format("malloc failed!", 1), "it ended with code 1: malloc failed!."),
    ],
)
def test_what_cannot_be_measured_is_a_line_that_says_why(text: str | None, why: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "run.c").write_text(text)
    (found,) = compare_with_llama2c(tmp_path, {"greedy": GREEDY}, 6, 1)
    assert not found.measured
    assert found.notes[0].startswith(f"llama2.c was left out: {why}")


@pytest.mark.usefixtures("little")
def test_without_a_compiler_there_is_a_line_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run.c").touch()
    monkeypatch.setattr("shutil.which", lambda name: None)
    (found,) = compare_with_llama2c(tmp_path, {"greedy": GREEDY}, 6, 1)
    assert found.notes == ("llama2.c was left out: there is no C compiler: install one that is called cc.",)
