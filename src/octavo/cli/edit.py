"""``octavo edit``."""

import argparse
import json

from octavo.cli.options import add_output_option, add_passage_arguments, given_text, output_of, read_text
from octavo.cli.output import say
from octavo.cli.parser import add_runs_option, as_text
from octavo.config import ModelConfig
from octavo.errors import OctavoError
from octavo.runs import open_run, runs_root

_PLACES = (
    ("embedding", "what the first block gets"),
    ("blocks.I.attention.head.H", "what one head read"),
    ("blocks.I.attention.q", "queries of all heads; .k keys, .v values"),
    ("blocks.I.attention.scores", "query times key, before the softmax"),
    ("blocks.I.attention.pattern", "where the heads look"),
    ("blocks.I.attention.heads", "what all heads read"),
    ("blocks.I.attention.output", "what attention adds"),
    ("blocks.I.feedforward.unit.U", "one unit of the hidden layer"),
    ("blocks.I.feedforward.hidden", "all of them"),
    ("blocks.I.feedforward.output", "what the feed-forward adds"),
    ("blocks.I.output", "what the next block gets"),
    ("final_norm", "what the unembedding gets"),
    ("logits", "what the softmax gets"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("run", metavar="RUN", help="a run's name or folder")
    add_passage_arguments(parser)
    for name, says in (
        ("zero", "let nothing flow by there"),
        ("mean", "let flow by the mean over the beginning of the held-out text"),
        ("patch", "let flow by what another text had there (--from)"),
    ):
        says += ", as blocks.0.attention.head.2 or blocks.*.output" if name == "zero" else ""
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar="PLACE", help=f"{says}; may be repeated"
        )
    parser.add_argument(
        "--from", dest="other", type=as_text, default="", metavar="TEXT", help="the other text, as long at least"
    )
    parser.add_argument(
        "--position", type=int, metavar="N", help="at this token alone; 0 is the first, -1 the last (all)"
    )
    parser.add_argument("--places", action="store_true", help="list the places that there are")
    parser.add_argument("--json", action="store_true", help="for a machine, and no page")
    add_output_option(parser)
    add_runs_option(parser)


def run(options: argparse.Namespace) -> int:
    """Change, show what comes of it, and write the page."""
    directory = open_run(options.run, runs_root(options.runs))
    if options.places:
        say("\n".join(place_lines(directory.config.model)))
        return 0
    if not (options.zero or options.mean or options.patch):
        raise OctavoError(
            "there is nothing to change: give --zero, --mean or --patch with a PLACE; --places lists them"
        )

    if options.json and options.output:
        raise OctavoError("--json writes no page: leave --output out")
    text = given_text(options)
    other = _other(options)
    output = output_of(options, directory, r"edit\.html")

    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run

    with make_progress(True) as progress:
        shown = Run(directory).edit(
            text,
            zero=options.zero,
            mean=options.mean,
            patch=options.patch,
            other=other,
            position=options.position,
            watch=lambda fraction: progress.phase("reading", fraction),
        )
    edit = shown.edit
    if options.json:
        say(json.dumps(edit.to_dict(), indent=1))
        return 0
    where = output.save(lambda folder: [shown.page.save(folder / "edit.html")])

    from octavo.reports.terminal import edit as edit_table
    from octavo.reports.terminal.colours import make_console

    say("\n".join(edit_table.edit_head(edit)))
    make_console().print(edit_table.candidates(edit))
    say("\n" + "\n".join(edit_table.edit_costs(edit)), end="\n\n")
    say(where)
    return 0


def _other(options: argparse.Namespace) -> str:
    """Return the text of ``--from``; "-" reads it."""
    if options.other == options.text == "-":
        raise OctavoError("standard input can be read once: give TEXT or --from another way")
    return read_text(argparse.Namespace(file=None, encoding=None), options.other) or ""


def place_lines(config: ModelConfig) -> list[str]:
    """The places of a model, and what flows by there."""
    ranges = f"I is 0 to {config.n_layers - 1}, H 0 to {config.n_heads - 1}, U 0 to {config.d_ff - 1}"
    return [
        *(f"{name:<29}{says}" for name, says in _PLACES),
        f"{ranges}; * stands for all, as in blocks.*.attention.head.0",
    ]
