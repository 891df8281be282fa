"""Octavo beside llama2.c (github.com/karpathy/llama2.c): one text by the same weights, on one thread each.

Its ``run.c`` is compiled where the user has it, into a temporary folder, and reads the model from a file of its
format "version 0": seven little-endian 32-bit integers, then every tensor in fp32, one kind after the other. It ends
where token 1 comes, which is also what it begins with; here that is Octavo's start token, and never comes (odds.py).
"""

import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from octavo.bench.generator import TextGenerator, make_text_generator
from octavo.bench.kernels import with_and_without_kernels
from octavo.bench.measure import BenchCase, Comparison, compare_cases
from octavo.bench.request import PeerError
from octavo.config import ModelConfig
from octavo.config.inference import SamplingConfig
from octavo.errors import reason
from octavo.model import Transformer
from octavo.system.progress import ProgressCallback, no_progress, subrange
from octavo.system.threads import one_thread

LLAMA = ModelConfig(qk_norm=False, norm_epsilon=1e-5)  # the default model, as near as llama2.c can come to it
START_ID = 1  # llama2.c's
COMPILE = ("-Ofast", "-march=native")  # its fastest build for one thread
_TEXTS_PER_TURN = 4  # a turn: it tells time in whole milliseconds
_TIMEOUT_SECONDS = 120  # after which it is given up
_RATE = re.compile(r"achieved tok/s: (\S+)")


def model_bin(model: Transformer, bos_id: int, context: int) -> bytes:
    """`model` in llama2.c's format, with `bos_id` and llama2.c's own start token in each other's place."""
    config, weights = model.config, model.state_dict()
    ids = swap_start_ids(model.vocab_size, bos_id)

    def every(name: str) -> list[torch.Tensor]:
        return [weights[f"blocks.{i}.{name}.weight"] for i in range(config.n_layers)]

    tensors = [
        weights["embedding.weight"][ids],
        *every("attention_norm"),
        *(interleave_rotary(weight, config.n_heads) for weight in every("attention.q")),
        *(interleave_rotary(weight, config.key_value_heads) for weight in every("attention.k")),
        *every("attention.v"),
        *every("attention.output"),
        *every("feedforward_norm"),
        *every("feedforward.gate"),
        *every("feedforward.down"),
        *every("feedforward.up"),
        weights["final_norm.weight"],
        torch.zeros(context * config.head_width),  # where tables of cosines and sines were once
    ]
    sizes = (config.d_model, config.d_ff, config.n_layers, config.n_heads, config.key_value_heads)
    header = struct.pack("<7i", *sizes, model.vocab_size, context)
    return header + b"".join(tensor.numpy().astype("<f4").tobytes() for tensor in tensors)


def interleave_rotary(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows (H·K, D) of queries or keys in llama2.c's order: a pair that is turned together lies side by side, where
    Octavo keeps one half of the pairs after the other."""
    return weight.view(heads, 2, -1, weight.shape[1]).transpose(1, 2).flatten(0, 2)


def swap_start_ids(vocab_size: int, bos_id: int) -> torch.Tensor:
    """Which of Octavo's tokens each of llama2.c's is; the other way round it is the same."""
    ids = torch.arange(vocab_size)
    ids[[START_ID, bos_id]] = ids[[bos_id, START_ID]]
    return ids


def tokenizer_bin(pieces: list[bytes]) -> bytes:
    """llama2.c's tokenizer file: the longest piece's length, then of each its score, its length and its bytes."""
    each = (struct.pack("<fi", 0.0, len(piece)) + piece for piece in pieces)
    return struct.pack("<i", max(map(len, pieces))) + b"".join(each)


@dataclass(frozen=True)
class Llama2c:
    """The compiled program with a model, in a folder."""

    folder: Path

    @classmethod
    def build(cls, checkout: Path, folder: Path, model: Transformer, bos_id: int, context: int) -> "Llama2c":
        """Compile it into `folder`, and write the model beside it.

        Raises:
            PeerFailed: there is no compiler, or it has refused the text.
        """
        if not (checkout / "run.c").is_file():
            raise PeerError(f"there is no run.c in {checkout}")
        if (compiler := shutil.which("cc")) is None:
            raise PeerError("there is no C compiler: install one that is called cc")
        command = [compiler, *COMPILE, "-o", str(folder / "run"), str(checkout / "run.c"), "-lm"]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            said = next((line for line in made.stderr.splitlines() if "error" in line), "no reason given")
            raise PeerError(f"run.c cannot be compiled: {said}")
        (folder / "model.bin").write_bytes(model_bin(model, bos_id, context))
        (folder / "tokenizer.bin").write_bytes(tokenizer_bin([b"%d " % i for i in range(model.vocab_size)]))
        return cls(folder)

    def write(self, tokens: int, sampling: SamplingConfig) -> tuple[list[int], float]:
        """The tokens of a text from nothing, in llama2.c's numbers, and how many a second it came to after the first.

        Raises:
            PeerFailed: it went wrong, or said no rate.
        """
        filters = ["-t", str(sampling.temperature), "-p", str(sampling.top_p), "-s", str(sampling.seed + 1)]
        command = [str(self.folder / "run"), str(self.folder / "model.bin"), *filters, "-n", str(tokens)]
        try:
            done = subprocess.run(
                [*command, "-z", str(self.folder / "tokenizer.bin")],
                capture_output=True,
                text=True,
                check=False,
                timeout=_TIMEOUT_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerError(f"it cannot be run: {reason(error, named=True)}") from None
        if done.returncode:
            raise PeerError(f"it ended with code {done.returncode}: {' '.join(done.stderr.split())[:200]}")
        found = _RATE.search(done.stderr)
        if found is None or not np.isfinite(rate := float(found[1])) or rate <= 0:
            raise PeerError(f"it wrote {len(done.stdout.split())} tokens and said no rate")
        return [int(piece) for piece in done.stdout.split()], rate


def compare_with_llama2c(
    checkout: Path,
    asked: Mapping[str, SamplingConfig],
    tokens: int,
    rounds: int,
    watch: ProgressCallback = no_progress,
) -> list[Comparison]:
    """llama2.c and Octavo with the same weights; where it cannot be measured, why."""
    writer, found = make_text_generator(LLAMA), []
    title = "Beside llama2.c, the same weights on one thread each"
    with tempfile.TemporaryDirectory(prefix="octavo-llama2c-") as folder, one_thread():
        try:
            start = writer.tokenizer.bos_id
            assert start is not None, "a writer begins with a start token"
            peer = Llama2c.build(checkout, Path(folder), writer.model, start, tokens)
            for part, (how, sampling) in enumerate(asked.items()):
                watched = subrange(watch, part / len(asked), (part + 1) / len(asked))
                found.append(_compare(peer, writer, f"{title}, {how}", sampling, tokens, rounds, watched))
        except PeerError as failed:
            found.append(Comparison(title, (), (f"llama2.c was left out: {failed}.",)))
    return found


def _compare(
    peer: Llama2c,
    writer: TextGenerator,
    title: str,
    sampling: SamplingConfig,
    tokens: int,
    rounds: int,
    watch: ProgressCallback,
) -> Comparison:
    counted = tokens - 1  # neither counts the first token

    def by_peer() -> float:
        return sum(counted / peer.write(tokens, sampling)[1] for _ in range(_TEXTS_PER_TURN))

    def by_octavo() -> float:
        return sum(writer.seconds_after_first_token(tokens, sampling, tokens) for _ in range(_TEXTS_PER_TURN))

    written, _ = peer.write(tokens, sampling)
    notes = [f"run.c was compiled with {' '.join(COMPILE)}."]
    if len(written) < tokens:
        notes.append(f"llama2.c ended after {len(written)} of {tokens} tokens: there came token 1, where it ends.")
    work = f"a text of {tokens} tokens from nothing, after its first token"
    cases = [BenchCase("llama2.c", work, _TEXTS_PER_TURN * counted, "tokens", by_peer, "fp32, 1 thread")]
    for name, run in with_and_without_kernels(by_octavo).items():
        cases.append(BenchCase(name, work, _TEXTS_PER_TURN * counted, "tokens", run, "fp32, 1 thread"))
    return compare_cases(title, cases, rounds=rounds, notes=notes, watch=watch)
