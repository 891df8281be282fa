"""Experiments: variants × seeds, each a run, compared with confidence intervals. Importing this loads no torch.

The function `octavo.experiment` is in :mod:`octavo.experiments.experiment`.
"""

from octavo.experiments.spec import Spec, Variant, read_spec

__all__ = ["Spec", "Variant", "read_spec"]
