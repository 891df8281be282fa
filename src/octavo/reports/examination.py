"""What a run gets when it is trained and scored: everything that its report shows."""

from octavo.files import write_atomically
from octavo.progress import Progress
from octavo.run import Run

_SAMPLES = 3
_SAMPLE_TOKENS = 250  # of each


def examine(run: Run, progress: Progress) -> None:
    """What a person wants to see of a trained and scored run: baselines, diagnosis, curves; samples come last, since
    where they are nothing is missing (`octavo.resume.complete`)."""
    progress.note("comparing with simpler models, drawing curves, writing samples")
    run.baselines(watch=lambda share: progress.share("comparing", share))
    run.memorisation(watch=lambda share: progress.share("looking for copies", share))
    run.diagnose()
    run.curves().save(run.path / "curves")
    prompt = (
        "" if run.tokenizer.start_id is not None else run.tokenizer.decode(run.parts["validation"].ids[:8].tolist())
    )
    texts = [""] * _SAMPLES
    for pieces in run.generate_many([prompt] * _SAMPLES, max_new_tokens=_SAMPLE_TOKENS):
        texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
    separated = "\n\n".join(f"--- sample {i} ---\n{prompt}{text}" for i, text in enumerate(texts, 1))
    write_atomically(run.path / "samples.txt", (separated + "\n").encode())
