"""An experiment's folder: its runs, and ``experiment.json  table.md  figure.png  figure.svg``."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from octavo.config.overrides import first_difference
from octavo.errors import OctavoError
from octavo.experiments.cell import run_name
from octavo.experiments.results import CellResult, VariantSummary
from octavo.experiments.spec import Spec, Variant
from octavo.experiments.table import experiment_markdown
from octavo.formats.files import write_atomically
from octavo.formats.toml_schema import as_mapping, dotted_names, to_toml
from octavo.runs import RunDirectory, check_name
from octavo.runs.completion import is_finished
from octavo.system.statistics import CONFIDENCE

EXPERIMENT_FILE = "experiment.json"
_MOST = 2**26  # bytes of it: some ten thousand cells
_TYPES = {  # of what is read again
    "rows": list,
    "variants": dict[str, dict],  # type: ignore[type-arg]  # of anything
    "seeds": list[int],
    "precision": Literal["fp32", "bf16"] | None,
}


@dataclass(frozen=True)
class ExperimentFolder:
    """Where an experiment is kept. What it says of a cell counts only while the cell's run is there."""

    path: Path

    @classmethod
    def at(cls, root: Path, name: str) -> "ExperimentFolder":
        """The folder ``root/name``, which may be yet to be made.

        Raises:
            OctavoError: the name is not fit for a folder, or something else has it.
        """
        check_name(name)
        path = root / name
        if path.exists() and not (path / EXPERIMENT_FILE).is_file():
            empty = path.is_dir() and not [p for p in path.iterdir() if p.name != ".lock"]
            if not empty:
                raise OctavoError(f"{path} is there already and is no experiment: choose another name")
        return cls(path)

    def create(self) -> None:
        """Make the folder, if it is not there."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OctavoError(
                f"{self.path} cannot be made ({error.strerror}): choose another folder of runs"
            ) from None

    @property
    def kept(self) -> dict[str, Any]:
        """What ``experiment.json`` holds; nothing if there is none.

        Raises:
            OctavoError: it is damaged.
        """
        if not (self.path / EXPERIMENT_FILE).is_file():
            return {}
        try:
            value = RunDirectory(self.path).read_typed(EXPERIMENT_FILE, _TYPES, _MOST)
        except OctavoError:
            value = {}
        if not {"rows", "variants", "seeds"} <= value.keys():
            raise OctavoError(f"{self.path / EXPERIMENT_FILE} is damaged: delete it and start again; runs are kept")
        return value

    def check_same(self, spec: Spec, sha256: str) -> None:
        """What is there must be of this experiment: variants and seeds may have been added, nothing changed.

        Raises:
            OctavoError: a variant or seed is left out, or a run was begun with another setting or another text.
        """
        kept = self.kept
        names = {variant.name for variant in spec.variants}
        left_out = [f"variant {name}" for name in kept.get("variants", {}) if name not in names]
        left_out += [f"seed {seed}" for seed in kept.get("seeds", []) if seed not in spec.seeds]
        if left_out:
            raise OctavoError(f"{self.path} has {left_out[0]} too: put it back, or choose another name")
        for variant, seed in spec.cells():
            run = RunDirectory(self.path / run_name(variant.name, seed))
            if not run.path.exists():
                continue
            if other := first_difference(run.config, variant.seeded(seed)):
                raise OctavoError(
                    f"variant {variant.name} was begun with another {other}: put it back, give the variant or the "
                    f"experiment another name, or delete {run.path.parent / f'{variant.name}-seed*'}"
                )
            if run.provenance.get("text", {}).get("sha256") != sha256:
                raise OctavoError(f"{self.path} was begun with another text: put it back, or choose another name")

    def rows(self, spec: Spec, *, retry: bool) -> list[CellResult]:
        """The rows that need no more work, in the order of the cells; with `retry` no failures are among them."""
        kept = self.kept
        known = {(row.variant, row.seed): row for each in kept.get("rows", []) if (row := CellResult.from_json(each))}
        begun = kept.get("variants", {})
        found = []
        for variant, seed in spec.cells():
            row = known.get((variant.name, seed))
            if row is None or row.run != run_name(variant.name, seed):
                continue
            if begun.get(variant.name, {}).get("fingerprint") != fingerprint(variant):
                continue
            if row.failure:
                settled = row.final and not retry
            else:
                run = RunDirectory(self.path / row.run)
                settled = is_finished(run)
                settled &= all(str(context) in row.at_context for context in spec.contexts)
            if settled:
                found.append(row)
        return found

    def write(
        self, spec: Spec, facts: dict[str, Any], rows: Iterable[CellResult], summary: Sequence[VariantSummary]
    ) -> None:
        """Write the results as they are now, each file whole."""
        order = {(variant.name, seed): place for place, (variant, seed) in enumerate(spec.cells())}
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
            "summary": [variant.to_dict() for variant in summary],
        }
        try:
            RunDirectory(self.path).write_json(EXPERIMENT_FILE, value, _MOST)
            write_atomically(self.path / "table.md", experiment_markdown(spec, rows, summary).encode())
        except OSError as error:
            raise OctavoError(
                f"{self.path} cannot be written to ({error.strerror}): free space, then go on"
            ) from None


def fingerprint(variant: Variant) -> str:
    """Of a variant's config, whatever its seed."""
    return hashlib.sha256(to_toml(variant.seeded(0)).encode()).hexdigest()


def _variant_facts(variant: Variant, spec: Spec) -> dict[str, Any]:
    base = next(v for v in spec.variants if v.name == spec.base)
    own, others = as_mapping(variant.seeded(0)), as_mapping(base.seeded(0))
    names = [name.split(".") for name in dotted_names(own)]
    changes = {f"{s}.{k}": str(own[s][k]) for s, k in names if own[s][k] != others[s][k]}
    return {"fingerprint": fingerprint(variant), "differs_from_base": changes}
