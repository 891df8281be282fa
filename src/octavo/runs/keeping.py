"""Results are kept in the run's folder where it can be written to, and are worth something where it cannot."""

import warnings
from collections.abc import Callable

from octavo.errors import OctavoWarning
from octavo.runs.directory import RunDirectory


def keep(run: RunDirectory, write: Callable[[], None], *, must: bool) -> bool:
    """Write a result into the run's folder, or warn that it is not kept; return whether it is.

    Raises:
        OSError: it cannot be written, and must be.
    """
    try:
        write()
    except OSError as error:
        if must:
            raise
        warnings.warn(
            f"{run.path} cannot be written to ({error.strerror}): results are shown and not kept; copy the run "
            "elsewhere to keep them",
            OctavoWarning,
            stacklevel=1,  # so that it is said once, whichever results there are
        )
        return False
    return True
