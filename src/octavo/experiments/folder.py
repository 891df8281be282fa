"""The folder of an experiment: its runs, ``experiment.json``, ``table.md``, ``figure.png`` and ``figure.svg``."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from octavo.config.overrides import first_difference
from octavo.errors import OctavoError
from octavo.experiments.cell import run_name
from octavo.experiments.results import CellResult, VariantSummary
from octavo.experiments.spec import Spec, Variant, settings_by_name
from octavo.experiments.table import experiment_markdown
from octavo.formats.files import write_atomically
from octavo.formats.toml_schema import to_toml
from octavo.runs import RunDirectory, check_name
from octavo.runs.completion import is_finished
from octavo.system.statistics import CONFIDENCE

EXPERIMENT_FILE = "experiment.json"
_MAX_FILE_BYTES = 2**26  # of experiment.json: some ten thousand cells
_TYPES = {  # of the keys that are read
    "rows": list,
    "variants": dict[str, dict[str, Any]],
    "seeds": list[int],
    "precision": Literal["fp32", "bf16"] | None,
}


@dataclass(frozen=True)
class ExperimentFolder:
    """A folder with an experiment. A row in experiment.json counts only while the run of its cell exists."""

    path: Path

    @classmethod
    def at(cls, root: Path, name: str) -> "ExperimentFolder":
        """Return the folder ``root/name``, which need not exist yet.

        Raises:
            OctavoError: the name is invalid, or the folder exists and holds something else.
        """
        check_name(name)
        path = root / name
        if path.exists() and not (path / EXPERIMENT_FILE).is_file():
            empty = path.is_dir() and not [p for p in path.iterdir() if p.name != ".lock"]
            if not empty:
                raise OctavoError(f"{path} exists but is not an experiment: choose another name")
        return cls(path)

    def create(self) -> None:
        """Create the folder if it does not exist."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OctavoError(
                f"{self.path} cannot be created ({error.strerror}): choose another folder of runs"
            ) from None

    @property
    def saved(self) -> dict[str, Any]:
        """Read ``experiment.json``; an empty dict if there is none.

        Raises:
            OctavoError: the file is damaged.
        """
        if not (self.path / EXPERIMENT_FILE).is_file():
            return {}
        try:
            value = RunDirectory(self.path).read_typed(EXPERIMENT_FILE, _TYPES, _MAX_FILE_BYTES)
        except OctavoError:
            value = {}
        if not {"rows", "variants", "seeds"} <= value.keys():
            path = self.path / EXPERIMENT_FILE
            raise OctavoError(f"{path} is damaged: delete it and start again, the runs are kept")
        return value

    def check_same(self, spec: Spec, sha256: str) -> None:
        """Check that the folder holds this experiment. Variants and seeds may be added, but nothing may change.

        Raises:
            OctavoError: a variant or seed is missing, or a run was started with another setting or text.
        """
        saved = self.saved
        names = {variant.name for variant in spec.variants}
        removed = [f"variant {name}" for name in saved.get("variants", {}) if name not in names]
        removed += [f"seed {seed}" for seed in saved.get("seeds", []) if seed not in spec.seeds]
        if removed:
            raise OctavoError(f"{self.path} also has {removed[0]}: add it again, or choose another name")
        for variant, seed in spec.cells():
            run = RunDirectory(self.path / run_name(variant.name, seed))
            if not run.path.exists():
                continue
            if other := first_difference(run.config, variant.with_seed(seed)):
                raise OctavoError(
                    f"variant {variant.name} was started with another {other}: restore it, give the variant or the "
                    f"experiment another name, or delete {run.path.parent / f'{variant.name}-seed*'}"
                )
            if run.provenance.get("text", {}).get("sha256") != sha256:
                raise OctavoError(f"{self.path} was started with another text: restore it, or choose another name")

    def settled_rows(self, spec: Spec, *, retry: bool) -> list[CellResult]:
        """Return the saved rows whose cells need no more work, in the order of the cells.

        A row is settled if its run is finished and has all requested scores, or if its failure is final and `retry`
        is false.
        """
        saved = self.saved
        rows = {(row.variant, row.seed): row for each in saved.get("rows", []) if (row := CellResult.from_json(each))}
        variants = saved.get("variants", {})
        settled = []
        for variant, seed in spec.cells():
            row = rows.get((variant.name, seed))
            if row is None or row.run != run_name(variant.name, seed):
                continue
            if variants.get(variant.name, {}).get("fingerprint") != fingerprint(variant):
                continue
            if row.failure:
                needs_no_work = row.final and not retry
            else:
                scored = all(str(context) in row.at_context for context in spec.contexts)
                needs_no_work = scored and is_finished(RunDirectory(self.path / row.run))
            if needs_no_work:
                settled.append(row)
        return settled

    def write(
        self, spec: Spec, facts: dict[str, Any], rows: Iterable[CellResult], summary: Sequence[VariantSummary]
    ) -> None:
        """Write experiment.json and table.md, each atomically."""
        order = {(variant.name, seed): number for number, (variant, seed) in enumerate(spec.cells())}
        rows = sorted(rows, key=lambda row: order[row.variant, row.seed])
        value = {
            "title": spec.title,
            **facts,
            "seeds": list(spec.seeds),
            "base": spec.base,
            "contexts": list(spec.contexts),
            "confidence": CONFIDENCE,
            "variants": {v.name: _variant_facts(v, spec) for v in spec.variants},
            "rows": [row.to_dict() for row in rows],
            "summary": [asdict(variant) for variant in summary],
        }
        try:
            RunDirectory(self.path).write_json(EXPERIMENT_FILE, value, _MAX_FILE_BYTES)
            write_atomically(self.path / "table.md", experiment_markdown(spec, rows, summary).encode())
        except OSError as error:
            raise OctavoError(
                f"{self.path} cannot be written to ({error.strerror}): free space, then start again"
            ) from None


def fingerprint(variant: Variant) -> str:
    """Return the SHA-256 of a variant's config, which does not depend on the seed."""
    return hashlib.sha256(to_toml(variant.with_seed(0)).encode()).hexdigest()


def _variant_facts(variant: Variant, spec: Spec) -> dict[str, Any]:
    """Return the fingerprint, and the settings that differ from the base."""
    base = next(v for v in spec.variants if v.name == spec.base)
    others = settings_by_name(base.with_seed(0))
    changes = {k: str(v) for k, v in settings_by_name(variant.with_seed(0)).items() if v != others[k]}
    return {"fingerprint": fingerprint(variant), "differs_from_base": changes}
