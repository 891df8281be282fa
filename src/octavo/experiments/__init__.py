"""Experiments: variants × seeds, each a run of its own, compared with intervals. Importing this takes no torch.

`octavo.experiment(file)` is in :mod:`octavo.experiments.experiment`.
"""

from octavo.experiments.spec import Spec, Variant, read_spec

__all__ = ["Spec", "Variant", "read_spec"]
