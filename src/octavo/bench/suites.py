"""The suites by name, and all of what was asked for in one go."""

from collections.abc import Callable

from octavo.bench.asked import SUITE_NAMES, Asked
from octavo.bench.comparison import Comparison, stretch
from octavo.bench.generation import bench_generation
from octavo.bench.growth import bench_growth
from octavo.bench.peers import Peers
from octavo.bench.scoring import bench_scoring
from octavo.bench.training import bench_training
from octavo.evaluate import Watch

Suite = Callable[[int, Peers, Watch], list[Comparison]]
SUITES: dict[str, Suite] = dict(
    zip(SUITE_NAMES, (bench_training, bench_generation, bench_scoring, bench_growth), strict=True)
)


def run_suites(asked: Asked, watch: Callable[[str, float], None]) -> dict[str, list[Comparison]]:
    """Each suite after the other; `watch` is told the suite's name and the share of all that is done."""
    found, count = {}, len(asked.suites)
    for place, name in enumerate(asked.suites):

        def told(share: float, name: str = name) -> None:
            watch(name, share)

        found[name] = SUITES[name](asked.rounds, asked.peers, stretch(told, place / count, (place + 1) / count))
    return found
