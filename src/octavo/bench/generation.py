"""How fast a model writes: one text and many, each in a context that is just large enough, and the first token."""

from octavo.bench.comparison import Case, Comparison, side_by_side, stretch
from octavo.bench.kernels import ways
from octavo.bench.llama2c import beside_llama2c
from octavo.bench.peers import Peers
from octavo.bench.starting import whole_process
from octavo.bench.steps import in_words
from octavo.bench.writing import GREEDY, SAMPLED, Writer, make_writer
from octavo.config import load_preset
from octavo.evaluate import Watch, unwatched
from octavo.options import SamplingConfig

_TOKENS = 256  # of each text; the context has room for just so many
_STREAMS = 64
_FIRSTS = 20  # first tokens a turn


def bench_generation(rounds: int, peers: Peers, watch: Watch = unwatched) -> list[Comparison]:
    """The default model, with and without kernels; then llama2.c beside a model of its kind."""
    writer = make_writer(load_preset("pocket").model)
    place = peers.place("llama2.c")
    sampled = "temperature 1, top-p 0.9"
    asked = [("greedy", GREEDY, 1), (sampled, SAMPLED, 1), (sampled, SAMPLED, _STREAMS)]
    parts = len(asked) + 2 + 2 * (place is not None)
    found = []
    for part, (how, sampling, streams) in enumerate(asked):
        watched = stretch(watch, part / parts, (part + 1) / parts)
        found.append(_texts(writer, how, sampling, streams, rounds, watched))
    done = len(asked)
    for measure in (_first_token, whole_process):
        found.append(measure(writer, rounds, stretch(watch, done / parts, (done + 1) / parts)))
        done += 1
    if place is not None:
        rest = stretch(watch, done / parts, 1)
        found += beside_llama2c(place, {"greedy": GREEDY, sampled: SAMPLED}, _TOKENS, rounds, rest)
    return found


def _texts(writer: Writer, how: str, sampling: SamplingConfig, streams: int, rounds: int, watch: Watch) -> Comparison:
    def write() -> None:
        writer.write(_TOKENS, sampling, _TOKENS, streams)

    texts = "one text" if streams == 1 else f"{streams} texts at once"
    work = f"{texts} of {_TOKENS} tokens from nothing, {how}"
    cases = [
        Case(name, work, streams * _TOKENS, "tokens", run, in_words("fp32")) for name, run in ways(write).items()
    ]
    return side_by_side(f"Writing {work}", cases, rounds=rounds, watch=watch)


def _first_token(writer: Writer, rounds: int, watch: Watch) -> Comparison:
    def begin() -> None:
        for _ in range(_FIRSTS):
            next(writer.begin(_TOKENS, SAMPLED, _TOKENS))

    work = "the first token of a text, in a process that has the model"
    cases = [Case(name, work, _FIRSTS, "first tokens", run, in_words("fp32")) for name, run in ways(begin).items()]
    return side_by_side("The first token of a text", cases, rounds=rounds, watch=watch)
