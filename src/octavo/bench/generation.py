"""Measure the speed of generation: one text, many texts, the first token, and the command `octavo generate`.

Each text has a context that is just large enough for it. The command is timed as the user waits for it: a process,
from its start to its last token.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from octavo.bench.generator import GREEDY, SAMPLED, TextGenerator, make_text_generator
from octavo.bench.kernels import with_and_without_kernels
from octavo.bench.llama2c import compare_with_llama2c
from octavo.bench.measure import BenchCase, BenchComparison, compare_cases, split_progress
from octavo.bench.request import Peers
from octavo.bench.steps import case_note
from octavo.config import load_preset
from octavo.config.inference import SamplingConfig
from octavo.formats.files import write_atomically
from octavo.formats.toml_schema import to_toml
from octavo.runs.checkpoint import Checkpoint, save_checkpoint
from octavo.system.progress import ProgressCallback, no_progress, subrange

_TOKENS_PER_TEXT = 256  # also the context
_STREAMS = 64
_FIRST_TOKENS_PER_TURN = 20
_PROCESS_TOKENS = 200


def bench_generation(rounds: int, peers: Peers, watch: ProgressCallback = no_progress) -> list[BenchComparison]:
    """Measure the default model with and without kernels, then llama2.c next to a model of its kind."""
    generator, checkout = make_text_generator(load_preset("pocket").model), peers.get("llama2.c")
    sampled = "temperature 1, top-p 0.9"
    modes = [("greedy", GREEDY, 1), (sampled, SAMPLED, 1), (sampled, SAMPLED, _STREAMS)]
    works = [*(_texts(generator, *mode) for mode in modes), _first_token(generator)]
    own = len(works) + 1
    parts = split_progress(watch, own + 2 * (checkout is not None))
    results = [
        compare_cases(title, with_and_without_kernels(case), rounds=rounds, watch=part)
        for (title, case), part in zip(works, parts, strict=False)
    ]
    results.append(generate_process(generator, rounds, parts[own - 1]))
    if checkout is not None:
        rest = subrange(watch, own / len(parts), 1)
        peer_modes = {"greedy": GREEDY, sampled: SAMPLED}
        results += compare_with_llama2c(checkout, peer_modes, _TOKENS_PER_TEXT, rounds, rest)
    return results


def _texts(generator: TextGenerator, mode: str, sampling: SamplingConfig, streams: int) -> tuple[str, BenchCase]:
    run = partial(generator.generate, _TOKENS_PER_TEXT, sampling, _TOKENS_PER_TEXT, streams)
    texts = "one text" if streams == 1 else f"{streams} texts at once"
    work = f"{texts} of {_TOKENS_PER_TEXT} tokens from an empty prompt, {mode}"
    case = BenchCase("", work, streams * _TOKENS_PER_TEXT, "tokens", run, case_note("fp32"))
    return f"Generating {work}", case


def _first_token(generator: TextGenerator) -> tuple[str, BenchCase]:
    def run() -> None:
        for _ in range(_FIRST_TOKENS_PER_TURN):
            next(generator.stream(_TOKENS_PER_TEXT, SAMPLED, _TOKENS_PER_TEXT))

    work = "the first token of a text, in a process that has loaded the model"
    case = BenchCase("", work, _FIRST_TOKENS_PER_TURN, "first tokens", run, case_note("fp32"))
    return "The first token of a text", case


def generate_process(generator: TextGenerator, rounds: int, watch: ProgressCallback = no_progress) -> BenchComparison:
    """Measure processes of `octavo generate` on a run with these weights: without kernels, which loads torch, and
    with them."""
    with _temporary_run(generator) as run:
        command = [sys.executable, "-m", "octavo.cli.main", "generate", str(run)]
        command += ["--max-new-tokens", str(_PROCESS_TOKENS)]

        def process() -> None:  # it inherits the environment variable by which kernels are disabled
            subprocess.run(command, check=True, capture_output=True)

        work = f"a process that generates {_PROCESS_TOKENS} tokens with a trained run"
        cases = with_and_without_kernels(BenchCase("", work, 1, "processes", process, "fp32"))
        return compare_cases("A process that generates", cases, rounds=rounds, watch=watch)


@contextmanager
def _temporary_run(generator: TextGenerator) -> Iterator[Path]:
    """Save the model and its tokenizer as a run, which is deleted afterwards."""
    config = load_preset("pocket")
    tokenizer = replace(config.tokenizer, vocab_size=generator.tokenizer.vocab_size)
    config = replace(config, model=generator.model.config, tokenizer=tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir()
        write_atomically(run / "config.toml", to_toml(config).encode())
        generator.tokenizer.save(run / "tokenizer.json")
        weights = {name: weight.detach() for name, weight in generator.model.named_parameters()}
        save_checkpoint(run / "checkpoints", Checkpoint({"weights": weights}, {"step": 0}), keep=1)
        yield run
