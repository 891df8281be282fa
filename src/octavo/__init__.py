"""Octavo: a pocket laboratory for tiny Transformer language models.

    run = octavo.train("hamlet.txt", minutes=3)
    print(run.evaluation.bits_per_character)
    print(run.generate("ROMEO:"))

Importing this package imports neither torch nor NumPy: a name does so when it is first used.
The first use also sets environment variables of OpenMP that are unset, which child processes inherit:
``OMP_WAIT_POLICY`` and with it ``GOMP_SPINCOUNT``, so that waiting threads sleep, and ``OMP_NUM_THREADS`` where a
container may use fewer cores than the machine has. Set them before to keep your own values.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from octavo.config import Config, load_preset
    from octavo.corpus import Corpus, read_corpus
    from octavo.errors import OctavoError
    from octavo.experiments.experiment import experiment
    from octavo.experiments.reproduction.reproduce import reproduce
    from octavo.pipeline.run import Run, load
    from octavo.pipeline.train import train
    from octavo.reports.compare import compare
    from octavo.reports.report import report

__version__ = "0.1.0"
__all__ = [
    "Config",
    "Corpus",
    "OctavoError",
    "Run",
    "compare",
    "experiment",
    "load",
    "load_preset",
    "read_corpus",
    "report",
    "reproduce",
    "train",
]

_HOME = {
    "Config": "config",
    "Corpus": "corpus",
    "OctavoError": "errors",
    "compare": "reports.compare",
    "experiment": "experiments.experiment",
    "Run": "pipeline.run",
    "load": "pipeline.run",
    "load_preset": "config",
    "read_corpus": "corpus",
    "report": "reports.report",
    "reproduce": "experiments.reproduction.reproduce",
    "train": "pipeline.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'octavo' has no attribute {name!r}")
    import_module("octavo.system.threads").configure_threads()
    return getattr(import_module(f"octavo.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
