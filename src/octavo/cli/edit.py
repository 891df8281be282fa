"""``octavo edit``."""

import argparse
import json

from octavo.cli import arguments
from octavo.cli.output import say
from octavo.cli.parser import utf8_text
from octavo.config import ModelConfig
from octavo.errors import OctavoError

_SITES = (
    ("embedding", "input of the first block"),
    ("blocks.I.attention.head.H", "output of one head"),
    ("blocks.I.attention.q", "queries of all heads; .k keys, .v values"),
    ("blocks.I.attention.scores", "attention scores, before the softmax"),
    ("blocks.I.attention.pattern", "attention weights, after the softmax"),
    ("blocks.I.attention.heads", "output of all heads"),
    ("blocks.I.attention.output", "output of the attention layer"),
    ("blocks.I.feedforward.unit.U", "one hidden unit of the feed-forward layer"),
    ("blocks.I.feedforward.hidden", "all hidden units"),
    ("blocks.I.feedforward.output", "output of the feed-forward layer"),
    ("blocks.I.output", "output of the block"),
    ("final_norm", "input of the unembedding"),
    ("logits", "input of the softmax"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    arguments.add_run_and_text(parser)
    for name, description in (
        ("zero", "zero-ablate these activations, as blocks.0.attention.head.2 or blocks.*.output"),
        ("mean", "mean-ablate (mean over the first 8,192 validation tokens)"),
        ("patch", "patch in activations from the text given with --from"),
    ):
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar="SITE", help=f"{description}; may be repeated"
        )
    parser.add_argument(
        "--from",
        dest="other",
        type=utf8_text,
        default="",
        metavar="TEXT",
        help="the text to patch from, with at least as many tokens; - reads standard input",
    )
    changed = "change only token N: 0 is the first, -1 the last (default: all tokens)"
    arguments.add_number(parser, "--position", "N", changed)
    parser.add_argument("--list-sites", action="store_true", help="list the sites of this model")
    parser.add_argument(
        "--places", dest="list_sites", action="store_true", help=argparse.SUPPRESS
    )  # its earlier name
    parser.add_argument("--json", action="store_true", help="print JSON, write no page")
    arguments.add_output(parser)


def run(options: argparse.Namespace) -> int:
    """Change activations, print the effect on the predictions, and write the page."""
    directory = arguments.run_of(options)
    if options.list_sites:
        say("\n".join(site_lines(directory.config.model)))
        return 0
    if not (options.zero or options.mean or options.patch):
        raise OctavoError(
            "there is nothing to change: give --zero, --mean or --patch with a SITE; --list-sites lists them"
        )
    if options.json and options.output:
        raise OctavoError("--json writes no page: leave --output out")
    text = arguments.text_of(options)
    if options.other == options.text == "-":
        raise OctavoError("standard input can be read once: give TEXT or --from another way")
    other = arguments.read_text(options.other) or ""
    output = arguments.output_of(options, directory, r"edit\.html")

    from octavo.pipeline.progress import make_progress
    from octavo.pipeline.run import Run

    with make_progress(True) as progress:
        view = Run(directory).edit(
            text,
            zero=options.zero,
            mean=options.mean,
            patch=options.patch,
            other=other,
            position=options.position,
            watch=lambda fraction: progress.phase("reading", fraction),
        )
    edit = view.edit
    if options.json:
        say(json.dumps(edit.to_dict(), indent=1))
        return 0
    message = output.save(lambda folder: [view.page.save(folder / "edit.html")])

    from octavo.reports.terminal import edit as terminal
    from octavo.reports.terminal.colours import make_console

    say("\n".join(terminal.edit_head(edit)))
    make_console().print(terminal.prediction_table(edit))
    say("\n" + "\n".join(terminal.edit_costs(edit)), end="\n\n")
    say(message)
    return 0


def site_lines(config: ModelConfig) -> list[str]:
    """Return lines with the sites of a model and the activations there."""
    ranges = f"I is 0 to {config.n_layers - 1}, H 0 to {config.n_heads - 1}, U 0 to {config.d_ff - 1}"
    return [
        *(f"{name:<29}{description}" for name, description in _SITES),
        f"{ranges}; * stands for all, as in blocks.*.attention.head.0",
    ]
