"""Copy the figures and pictures of the page from a folder of runs, small enough to be kept with the code."""

import json
import shutil
from pathlib import Path

from scripts.report_examined.results import EXPERIMENTS, FOLDER, Experiment, Json

PICTURES = (
    "epochs.png",
    "first-epoch.png",
    "perplexities.png",
    "attention-romeo-layer-0.png",
    "attention-romeo-layer-1.png",
    "attention-to-be-layer-0.png",
    "attention-to-be-layer-1.png",
    "attention-first-citizen-layer-0.png",
    "attention-first-citizen-layer-1.png",
)


def collect(runs: Path, folder: Path = FOLDER) -> None:
    """Copy figures and pictures of the reproductions and experiments in `runs`."""
    (folder / "experiments").mkdir(parents=True, exist_ok=True)
    for name in ("reference", "reference-adamw"):
        source = runs / name / "reproduction"
        if source.is_dir():
            report = json.loads((source / "report.json").read_text(encoding="utf-8"))
            _write(folder / f"{name}.json", _without_batches(report))
            for picture in PICTURES:
                own = name == "reference" or picture == "epochs.png"
                if own and (source / picture).is_file():
                    shutil.copyfile(source / picture, folder / f"{name}-{picture}")
    for name in EXPERIMENTS:
        source = runs / name
        if not (source / "experiment.json").is_file():
            continue
        values = json.loads((source / "experiment.json").read_text(encoding="utf-8"))
        if Experiment(name, values).complete:
            _write(folder / "experiments" / f"{name}.json", values)
            shutil.copyfile(source / "figure.png", folder / "experiments" / f"{name}.png")


def _without_batches(report: Json) -> Json:
    """Remove the loss of every batch: the page has their summary and a picture."""
    for summary in report["perplexity"].values():
        if isinstance(summary, dict):
            summary.pop("batch_losses", None)
            summary.pop("batch_windows", None)
    return report


def _write(path: Path, values: Json) -> None:
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
