"""``octavo evaluate``."""

import argparse

from octavo.cli.parser import add_runs_option
from octavo.errors import OctavoError
from octavo.options import PROTOCOLS, check_scoring
from octavo.runs import open_run, runs_root


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="another text to score (default: the run's own)")
    parser.add_argument(
        "--split",
        choices=("validation", "test", "train"),
        help="part of the run's own text (validation)",
    )
    parser.add_argument("--stride", type=int, metavar="N", help="tokens between windows (half a context)")
    parser.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        default="sliding",
        help="windows that overlap, or pieces side by side, each scored from nothing",
    )
    parser.add_argument(
        "--window",
        type=int,
        metavar="N",
        help="characters of a piece of the disjoint protocol (256)",
    )
    parser.add_argument("--encoding", help="how TEXT is encoded (default: utf-8)")
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Score, print the table, leave it in the run's evaluation.json."""
    directory = open_run(options.run, runs_root(options.runs))
    for option, needed, there in (
        ("--split", "the run's own text", options.text is None),
        ("--encoding", "a TEXT", options.text is not None),
        ("--window", "--protocol disjoint", options.protocol == "disjoint"),
    ):
        if getattr(options, option[2:]) is not None and not there:
            raise OctavoError(f"{option} goes with {needed} alone: leave it out")
    context = directory.config.data.context_length
    stride = max(1, context // 2) if options.stride is None else options.stride
    window = 256 if options.window is None else options.window
    check_scoring(options.protocol, stride, window, context)
    corpus = None
    if options.text is not None:
        from octavo.corpus import read_corpus

        corpus = read_corpus([options.text], encoding=options.encoding or "utf-8")

    from octavo.progress import make_progress
    from octavo.run import Run

    with make_progress(True) as progress:
        score = Run(directory).evaluate(
            corpus,
            watch=lambda share: progress.share("scoring", share),
            split=options.split or "validation",
            stride=stride,
            protocol=options.protocol,
            window_characters=window,
        )
    windows = (
        f"pieces of {score.window_characters} characters, each from an empty context"
        if score.protocol == "disjoint"
        else f"windows of {score.context_length} tokens, {score.stride} apart"
    )
    nats_error, bits_error = (
        "" if error is None else f" ± {error:.4f} (standard error)"
        for error in (score.standard_error_nats_per_character, score.standard_error_bits_per_character)
    )
    rows = [
        ("run", f"{directory.name}, {score.checkpoint}"),
        (
            "text",
            f"{score.text}: {score.characters:,} characters, {score.bytes:,} bytes, {score.tokens:,} tokens",
        ),
        ("protocol", f"{score.protocol}: {windows}"),
        ("nats per character", f"{score.nats_per_character:.4f}{nats_error}"),
        ("bits per character", f"{score.bits_per_character:.4f}{bits_error}"),
        ("bits per byte", f"{score.bits_per_byte:.4f}"),
        ("nats per token", f"{score.nats_per_token:.4f} (of this run's tokenizer)"),
        ("perplexity per token", f"{score.perplexity_per_token:.2f} (of this run's tokenizer)"),
        ("time", f"{score.seconds:.1f} s"),
    ]
    for name, value in rows:
        print(f"{name:<21} {value}")
    if options.split == "train":
        print("the model was trained on this text: the score says what it remembers, not how good it is")
    if score.selected_on_this_text:
        print("selected on this text: early stopping chose the model by its loss here, so the score flatters it")
    if not score.lossless_tokenizer:
        print("the tokenizer loses text (white space): these figures compare with no other model's")
    print(f"written to {directory.path / 'evaluation.json'}")
    return 0
