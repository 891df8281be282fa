"""How fast a model writes: one text and many, each in a context that is just large enough, and the first token.

How long a person waits who types `octavo generate`: a whole process, from nothing to its last token.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from octavo.bench.generator import GREEDY, SAMPLED, TextGenerator, make_text_generator
from octavo.bench.kernels import with_and_without_kernels
from octavo.bench.llama2c import compare_with_llama2c
from octavo.bench.measure import BenchCase, Comparison, compare_cases
from octavo.bench.request import Peers
from octavo.bench.steps import case_note
from octavo.config import load_preset
from octavo.config.inference import SamplingConfig
from octavo.formats.files import write_atomically
from octavo.formats.toml_schema import to_toml
from octavo.runs.checkpoint import Checkpoint, save_checkpoint
from octavo.system.progress import ProgressCallback, no_progress, subrange

_TOKENS_PER_TEXT = 256  # of each text; the context has room for just so many
_STREAMS = 64
_FIRST_TOKENS_PER_TURN = 20  # first tokens a turn


def bench_generation(rounds: int, peers: Peers, watch: ProgressCallback = no_progress) -> list[Comparison]:
    """The default model, with and without kernels; then llama2.c beside a model of its kind."""
    writer = make_text_generator(load_preset("pocket").model)
    place = peers.place("llama2.c")
    sampled = "temperature 1, top-p 0.9"
    asked = [("greedy", GREEDY, 1), (sampled, SAMPLED, 1), (sampled, SAMPLED, _STREAMS)]
    parts = len(asked) + 2 + 2 * (place is not None)
    found = []
    for part, (how, sampling, streams) in enumerate(asked):
        watched = subrange(watch, part / parts, (part + 1) / parts)
        found.append(_texts(writer, how, sampling, streams, rounds, watched))
    done = len(asked)
    for measure in (_first_token, generate_process):
        found.append(measure(writer, rounds, subrange(watch, done / parts, (done + 1) / parts)))
        done += 1
    if place is not None:
        rest = subrange(watch, done / parts, 1)
        found += compare_with_llama2c(place, {"greedy": GREEDY, sampled: SAMPLED}, _TOKENS_PER_TEXT, rounds, rest)
    return found


def _texts(
    writer: TextGenerator, how: str, sampling: SamplingConfig, streams: int, rounds: int, watch: ProgressCallback
) -> Comparison:
    def write() -> None:
        writer.write(_TOKENS_PER_TEXT, sampling, _TOKENS_PER_TEXT, streams)

    texts = "one text" if streams == 1 else f"{streams} texts at once"
    work = f"{texts} of {_TOKENS_PER_TEXT} tokens from nothing, {how}"
    cases = [
        BenchCase(name, work, streams * _TOKENS_PER_TEXT, "tokens", run, case_note("fp32"))
        for name, run in with_and_without_kernels(write).items()
    ]
    return compare_cases(f"Writing {work}", cases, rounds=rounds, watch=watch)


def _first_token(writer: TextGenerator, rounds: int, watch: ProgressCallback) -> Comparison:
    def begin() -> None:
        for _ in range(_FIRST_TOKENS_PER_TURN):
            next(writer.begin(_TOKENS_PER_TEXT, SAMPLED, _TOKENS_PER_TEXT))

    work = "the first token of a text, in a process that has the model"
    cases = [
        BenchCase(name, work, _FIRST_TOKENS_PER_TURN, "first tokens", run, case_note("fp32"))
        for name, run in with_and_without_kernels(begin).items()
    ]
    return compare_cases("The first token of a text", cases, rounds=rounds, watch=watch)


_PROCESS_TOKENS = 200


def generate_process(writer: TextGenerator, rounds: int, watch: ProgressCallback = no_progress) -> Comparison:
    """`octavo generate` of a run with the writer's weights, without kernels, when it takes torch, and with them."""
    with _temporary_run(writer) as run:
        command = [
            sys.executable,
            "-m",
            "octavo.cli.main",
            "generate",
            str(run),
            "--max-new-tokens",
            str(_PROCESS_TOKENS),
        ]

        def process() -> (
            None
        ):  # what `with_and_without_kernels` turns off is an environment variable, which it inherits
            subprocess.run(command, check=True, capture_output=True)

        work = f"a process that writes {_PROCESS_TOKENS} tokens with a trained run"
        cases = [
            BenchCase(name, work, 1, "processes", start, "fp32")
            for name, start in with_and_without_kernels(process).items()
        ]
        return compare_cases("A process that writes", cases, rounds=rounds, watch=watch)


@contextmanager
def _temporary_run(writer: TextGenerator) -> Iterator[Path]:
    """The model and its tokenizer as a run of their own; deleted afterwards."""
    config = load_preset("pocket")
    config = replace(
        config,
        model=writer.model.config,
        tokenizer=replace(config.tokenizer, vocab_size=writer.tokenizer.vocab_size),
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir()
        write_atomically(run / "config.toml", to_toml(config).encode())
        writer.tokenizer.save(run / "tokenizer.json")
        weights = {name: weight.detach() for name, weight in writer.model.named_parameters()}
        save_checkpoint(run / "checkpoints", Checkpoint({"weights": weights}, {"step": 0}), keep=1)
        yield run
