"""Octavo trains, measures and examines tiny Transformer language models on a CPU.

    run = octavo.train("hamlet.txt", minutes=3)
    print(run.evaluation.bits_per_character)
    print(run.generate("ROMEO:"))

docs/api.md documents every name. Importing this package loads neither torch nor NumPy: the first use of a name does.
That first use also sets environment variables of OpenMP that are unset, which child processes inherit:
``OMP_WAIT_POLICY`` and with it ``GOMP_SPINCOUNT``, so that waiting threads sleep, and ``OMP_NUM_THREADS`` where a
container may use fewer cores than the machine has. Set them yourself to keep other values.
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

_MODULE_OF = {
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
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'octavo' has no attribute {name!r}")
    import_module("octavo.system.threads").configure_threads()
    return getattr(import_module(f"octavo.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
