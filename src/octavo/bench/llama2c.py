"""Compare with llama2.c (github.com/karpathy/llama2.c): one text with the same weights, on one thread each.

Its ``run.c`` is compiled from the user's checkout into a temporary folder. It reads the model from a file of its
format "version 0": seven little-endian 32-bit integers, then every tensor in fp32, one kind after the other. A text
begins with token 1 and ends where token 1 occurs. Here token 1 is Octavo's BOS token, which practically never occurs
(:func:`octavo.bench.generator.set_zipf_logits`).
"""

import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from octavo.bench.generator import TextGenerator, make_text_generator
from octavo.bench.kernels import with_and_without_kernels
from octavo.bench.measure import BenchCase, BenchComparison, compare_cases, split_progress
from octavo.bench.request import PeerError
from octavo.config import ModelConfig
from octavo.config.inference import SamplingConfig
from octavo.errors import reason
from octavo.model import Transformer
from octavo.system.progress import ProgressCallback, no_progress
from octavo.system.threads import one_thread

LLAMA = ModelConfig(qk_norm=False, norm_epsilon=1e-5)  # the default model, without what llama2.c cannot do
START_ID = 1  # of llama2.c
COMPILE = ("-Ofast", "-march=native")  # options of its fastest build for one thread
_TEXTS_PER_TURN = 4  # more than one, because llama2.c measures time in whole milliseconds
_TIMEOUT_SECONDS = 120  # of one text
_RATE = re.compile(r"achieved tok/s: (\S+)")


def model_bin(model: Transformer, bos_id: int, context: int) -> bytes:
    """Return `model` in llama2.c's format, with the ids of `bos_id` and llama2.c's start token exchanged."""
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
        torch.zeros(context * config.head_width),  # skipped by run.c: once the tables of RoPE
    ]
    sizes = (config.d_model, config.d_ff, config.n_layers, config.n_heads, config.key_value_heads)
    header = struct.pack("<7i", *sizes, model.vocab_size, context)
    return header + b"".join(tensor.numpy().astype("<f4").tobytes() for tensor in tensors)


def interleave_rotary(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Return the rows (H·K, D) of a query or key projection in llama2.c's order.

    There the two dimensions that RoPE rotates together are adjacent; in Octavo they are half a head apart.
    """
    return weight.view(heads, 2, -1, weight.shape[1]).transpose(1, 2).flatten(0, 2)


def swap_start_ids(vocab_size: int, bos_id: int) -> torch.Tensor:
    """Return the Octavo id of each llama2.c id (V,); the mapping is its own inverse."""
    ids = torch.arange(vocab_size)
    ids[[START_ID, bos_id]] = ids[[bos_id, START_ID]]
    return ids


def tokenizer_bin(tokens: list[bytes]) -> bytes:
    """Return llama2.c's tokenizer file: the longest token's length, then each token's score, length and bytes."""
    entries = (struct.pack("<fi", 0.0, len(token)) + token for token in tokens)
    return struct.pack("<i", max(map(len, tokens))) + b"".join(entries)


@dataclass(frozen=True)
class Llama2c:
    """The compiled program and a model, in a folder."""

    folder: Path

    @classmethod
    def build(cls, checkout: Path, folder: Path, model: Transformer, bos_id: int, context: int) -> "Llama2c":
        """Compile run.c into `folder` and write the model and tokenizer there.

        Raises:
            PeerError: there is no run.c, no compiler, or a compile error.
        """
        if not (checkout / "run.c").is_file():
            raise PeerError(f"there is no run.c in {checkout}")
        if (compiler := shutil.which("cc")) is None:
            raise PeerError("there is no C compiler: install one named cc")
        command = [compiler, *COMPILE, "-o", str(folder / "run"), str(checkout / "run.c"), "-lm"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            message = next((line for line in result.stderr.splitlines() if "error" in line), "no reason given")
            raise PeerError(f"run.c cannot be compiled: {message}")
        (folder / "model.bin").write_bytes(model_bin(model, bos_id, context))
        (folder / "tokenizer.bin").write_bytes(tokenizer_bin([b"%d " % i for i in range(model.vocab_size)]))
        return cls(folder)

    def generate(self, tokens: int, sampling: SamplingConfig) -> tuple[list[int], float]:
        """Generate from an empty prompt; return the ids, as llama2.c has them, and tokens/s after the first.

        Raises:
            PeerError: the program failed or printed no rate.
        """
        filters = ["-t", str(sampling.temperature), "-p", str(sampling.top_p), "-s", str(sampling.seed + 1)]
        command = [str(self.folder / "run"), str(self.folder / "model.bin"), *filters, "-n", str(tokens)]
        try:
            result = subprocess.run(
                [*command, "-z", str(self.folder / "tokenizer.bin")],
                capture_output=True,
                text=True,
                check=False,
                timeout=_TIMEOUT_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerError(f"it cannot be run: {reason(error, named=True)}") from None
        words = result.stdout.split()
        if result.returncode:
            raise PeerError(f"it ended with exit code {result.returncode}: {' '.join(result.stderr.split())[:200]}")
        match = _RATE.search(result.stderr)
        if match is None or not np.isfinite(rate := float(match[1])) or rate <= 0:
            raise PeerError(f"it generated {len(words)} tokens and printed no rate")
        return [int(word) for word in words], rate


def compare_with_llama2c(
    checkout: Path,
    modes: Mapping[str, SamplingConfig],
    tokens: int,
    rounds: int,
    watch: ProgressCallback = no_progress,
) -> list[BenchComparison]:
    """Compare llama2.c and Octavo in every mode; if that fails, the last comparison is empty and notes the reason."""
    generator, results = make_text_generator(LLAMA), []
    title = "Compared with llama2.c, the same weights on one thread each"
    with tempfile.TemporaryDirectory(prefix="octavo-llama2c-") as folder, one_thread():
        try:
            bos_id = generator.tokenizer.bos_id
            assert bos_id is not None, "a byte-level tokenizer has a BOS token"
            peer = Llama2c.build(checkout, Path(folder), generator.model, bos_id, tokens)
            for (mode, sampling), part in zip(modes.items(), split_progress(watch, len(modes)), strict=True):
                cases, notes = _cases(peer, generator, sampling, tokens)
                results.append(compare_cases(f"{title}, {mode}", cases, rounds=rounds, notes=notes, watch=part))
        except PeerError as error:
            results.append(BenchComparison(title, (), (f"llama2.c was skipped: {error}.",)))
    return results


def _cases(
    peer: Llama2c, generator: TextGenerator, sampling: SamplingConfig, tokens: int
) -> tuple[list[BenchCase], list[str]]:
    """Return the cases of a text, llama2.c's first, and notes."""
    timed = tokens - 1  # neither program times the first token

    def by_peer() -> float:
        return sum(timed / peer.generate(tokens, sampling)[1] for _ in range(_TEXTS_PER_TURN))

    def by_octavo() -> float:
        return sum(generator.seconds_after_first_token(tokens, sampling, tokens) for _ in range(_TEXTS_PER_TURN))

    ids, _ = peer.generate(tokens, sampling)
    notes = [f"run.c was compiled with {' '.join(COMPILE)}."]
    if len(ids) < tokens:
        notes.append(f"llama2.c ended after {len(ids)} of {tokens} tokens, because token 1 occurred.")
    work = f"a text of {tokens} tokens from an empty prompt, after its first token"
    theirs = BenchCase("llama2.c", work, _TEXTS_PER_TURN * timed, "tokens", by_peer, "fp32, 1 thread")
    return [theirs, *with_and_without_kernels(replace(theirs, run=by_octavo))], notes
