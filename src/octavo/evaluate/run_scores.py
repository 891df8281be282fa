"""Score a saved run, compare it with baselines, and measure what it copies.

Each function takes a :class:`~octavo.runs.saved_run.SavedRun`, returns plain values and saves them in the run's
folder. Most of them are methods of :class:`octavo.pipeline.run.Run`.
"""

from dataclasses import asdict
from pathlib import Path

from octavo.config.inference import SamplingConfig
from octavo.corpus import Corpus, read_corpus, with_documents
from octavo.data.token_files import TokenSplit
from octavo.errors import OctavoError
from octavo.evaluate.baseline_cache import baselines_of
from octavo.evaluate.baselines import Baseline
from octavo.evaluate.documents import scored_text, texts_of
from octavo.evaluate.evaluation import Evaluation, Protocol, evaluate
from octavo.evaluate.memorisation import Memorisation, measure_memorisation
from octavo.evaluate.overlap import MAX_SEARCHED, TrainOverlap, measure_overlap
from octavo.formats.json_schema import from_json
from octavo.runs.checkpoint_files import max_file_bytes, newest_is_damaged
from octavo.runs.saved_run import SavedRun
from octavo.runs.scores import Score, add_score, scores, standard_score
from octavo.system.progress import ProgressCallback, no_progress

_MAX_SAMPLES = 10_000
Text = str | Path | Corpus | None  # a path or a corpus; None: a split of the run's own text


def standard_evaluation(run: SavedRun) -> Evaluation:
    """Return the saved standard score of a run: on the validation split, in sliding windows half a context apart.

    Args:
        run: the run.

    Returns:
        The score of the newest checkpoint, from ``evaluation.json``.

    Raises:
        OctavoError: the newest checkpoint has no such score, or the file was written by another version.
    """
    score = standard_score(run.directory)
    if score is None:
        damaged = newest_is_damaged(run.path / "checkpoints", max_file_bytes(run.config))
        raise OctavoError(
            f"{run.name} has no score yet: {'resume' if damaged else 'evaluate'} it",
            command=run.directory.resume_command if damaged else ("evaluate", str(run.path)),
        )
    try:
        return from_json(Evaluation, score)
    except ValueError:
        raise OctavoError(
            f"{run.path / 'evaluation.json'} was written by another version: delete it, then evaluate the run",
            command=("evaluate", str(run.path)),
        ) from None


def score_run(
    run: SavedRun,
    text: Text = None,
    *,
    split: str = "validation",
    stride: int = 0,
    protocol: Protocol = "sliding",
    window_characters: int = 256,
    encoding: str = "utf-8",
    documents: str = "file",
    watch: ProgressCallback = no_progress,
) -> Evaluation:
    """Score a run on a split of its own text, or on another text, and add the score to ``evaluation.json``.

    Every token is scored once; :mod:`octavo.evaluate.scoring` describes the windows. Where documents are not files,
    the end of each is scored too, as one character, if the run learned such ends.

    Args:
        run: the run.
        text: a file, a folder or a corpus; None: the split `split` of the run's own text.
        split: "validation", "train" or "test"; only used without `text`.
        stride: tokens between the beginnings of two sliding windows; 0: half the context length.
        protocol: "sliding", or "disjoint": chunks of `window_characters` characters, each scored with an empty
            context, as some publications do.
        window_characters: characters of a chunk; only used by "disjoint".
        encoding: encoding of the file `text`.
        documents: how `text` divides into documents; see :func:`octavo.corpus.with_documents`.
        watch: is called with the fraction that is done.

    Returns:
        The score, in nats and bits per character, per byte and per token.

    Raises:
        OctavoError: there is no such split or text, the text is empty, or an option is out of range.

    Example:
        >>> score = run.evaluate(octavo.Corpus.from_text("To be, or not to be: that is the question."))
        >>> score.characters, round(score.bits_per_character / score.nats_per_character, 3)
        (42, 1.443)
    """
    scores(run.directory)  # raises the error of a damaged file before the work
    train = run.config.train
    selected_on = train.select_on if train.patience else ""
    score = evaluate(
        run.model,
        run.tokenizer,
        scored_text(
            _text_source(run, text, split, encoding, documents),
            run.tokenizer,
            ends=run.learns_ends,
        ),
        context_length=run.config.data.context_length,
        stride=stride,
        protocol=protocol,
        window_characters=window_characters,
        selected_on_this_text=text is None and selected_on == split,
        checkpoint=run.checkpoint,
        watch=watch,
    )
    run.save_result(lambda: add_score(run.directory, Score(asdict(score))))
    return score


def run_baselines(
    run: SavedRun,
    text: Text = None,
    *,
    split: str = "validation",
    encoding: str = "utf-8",
    documents: str = "file",
    watch: ProgressCallback = no_progress,
) -> list[Baseline]:
    """Return the scores of the baselines on a text: simple models that learn from the run's training split.

    They are computed once for each text and saved in ``baselines.json``.

    Args:
        run: the run.
        text: a file, a folder or a corpus; None: the split `split` of the run's own text.
        split: "validation" or "test"; only used without `text`.
        encoding: encoding of the file `text`.
        documents: how `text` divides into documents; see :func:`octavo.corpus.with_documents`.
        watch: is called with the fraction that is done.

    Returns:
        The baselines, the worst first. A compressor whose package cannot be imported is left out.

    Raises:
        OctavoError: there is no such split or text, it is empty, or it is the training split.

    Example:
        >>> run.baselines()[0].kind
        'uniform'
    """
    if text is None and split == "train":
        raise OctavoError("baselines learn from the training split, so their score on it means nothing: give another")
    return baselines_of(run, _text_source(run, text, split, encoding, documents), watch)


def run_overlap(
    run: SavedRun,
    text: Text = None,
    *,
    split: str = "validation",
    encoding: str = "utf-8",
    documents: str = "file",
) -> TrainOverlap:
    """Measure how much of a split of the run's own text, or of another text, is verbatim in the training split.

    Args:
        run: the run.
        text: a file, a folder or a corpus; None: the split `split` of the run's own text.
        split: "validation", "train" or "test"; only used without `text`.
        encoding: encoding of the file `text`.
        documents: how `text` divides into documents; see :func:`octavo.corpus.with_documents`.

    Returns:
        The characters that lie in copied spans of 64 characters or more, and the characters that were looked up.

    Raises:
        OctavoError: there is no such split or text.
    """
    key = f"overlap of {split}"
    if text is None and key in run.result_cache:  # for a text of many megabytes the search takes seconds
        known: TrainOverlap = run.result_cache[key]
        return known
    texts = texts_of(_text_source(run, text, split, encoding, documents), run.tokenizer)
    overlap = measure_overlap(texts, texts_of(run.split("train"), run.tokenizer, MAX_SEARCHED))
    if text is None:
        run.result_cache[key] = overlap
    return overlap


def run_memorisation(
    run: SavedRun,
    *,
    samples: int = 64,
    tokens: int = 200,
    temperature: float = 1.0,
    seed: int = 0,
    watch: ProgressCallback = no_progress,
) -> Memorisation:
    """Generate texts and measure how much of them is verbatim in the training split.

    The same amount of validation text is looked up for comparison, so there are at most as many samples as the
    validation split has room for.

    Args:
        run: the run.
        samples: number of texts, 1 to 10,000.
        tokens: maximum number of tokens of a text.
        temperature: of the sampling. Only a result at 1, the model's own distribution, is saved in
            ``memorisation.json``, which the diagnosis reads.
        seed: of the sampling.
        watch: is called with the fraction of the generation that is done.

    Returns:
        The copied sequences of 8 words and the longest copied run, of the generated and of the validation text.

    Raises:
        OctavoError: an option is out of range.

    Example:
        >>> run.memorisation(samples=4, tokens=50).generated.texts
        4
    """
    if not isinstance(samples, int) or not 1 <= samples <= _MAX_SAMPLES:
        raise OctavoError(f"{samples} samples are out of range: give 1 to {_MAX_SAMPLES}")
    sampling = SamplingConfig(temperature=temperature, max_new_tokens=tokens, seed=seed)
    memorisation = measure_memorisation(run, samples, sampling, watch)
    if temperature == 1.0:
        run.result_cache["memorisation"] = memorisation
        run.save_result(lambda: run.directory.write_json("memorisation.json", memorisation.to_dict()))
    return memorisation


def load_memorisation(run: SavedRun) -> Memorisation | None:
    """Return the result of :func:`run_memorisation` for the checkpoint in use; None if there is none."""
    just_measured: Memorisation | None = run.result_cache.get("memorisation")
    try:
        saved = Memorisation.from_json(run.directory.read_json("memorisation.json"))
    except (OctavoError, ValueError):  # it can always be measured again
        return just_measured
    return saved if saved.checkpoint == run.checkpoint else just_measured


def _text_source(run: SavedRun, text: Text, split: str, encoding: str, documents: str) -> TokenSplit | Corpus:
    """Return a split of the run's own text, or the corpus of another text."""
    if text is None:
        return run.split(split)
    if isinstance(text, Corpus):
        return with_documents(text, documents)
    return read_corpus(text, encoding=encoding, documents=documents)
