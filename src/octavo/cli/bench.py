"""``octavo bench``."""

import argparse
import json
from pathlib import Path

from octavo.bench.request import ROUNDS, SUITE_NAMES, BenchRequest, peers_in
from octavo.cli import arguments
from octavo.cli.output import say
from octavo.formats.files import user_path
from octavo.formats.output_paths import prepare_folder

_FOLDER = "bench"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--suite", choices=SUITE_NAMES, help="run only this suite (default: all of them)")
    parser.add_argument(
        "--peers",
        metavar="DIR",
        help="folder with checkouts of llama2.c and nanoGPT to measure, too (default: none)",
    )
    repeated = f"measurements of each case (default: {ROUNDS})"
    arguments.add_number(parser, "--rounds", "N", repeated, default=ROUNDS)
    arguments.add_output(parser, "FOLDER", f"folder for bench.json and bench.png (default: ./{_FOLDER})")
    arguments.add_quiet(parser)


def run(options: argparse.Namespace) -> int:
    """Measure, print the tables, and write them as JSON and as a picture."""
    peers = {} if options.peers is None else peers_in(user_path(options.peers))
    request = BenchRequest((options.suite,) if options.suite else SUITE_NAMES, options.rounds, peers)
    folder = arguments.output_path(options) or Path(_FOLDER)
    arguments.refuse_replacing(options, [folder / "bench.json", folder / "bench.png"])
    prepare_folder(folder)

    from octavo.bench.suites import BenchSession, run_suites, suites_to_dict
    from octavo.formats.files import write_atomically
    from octavo.pipeline.progress import make_progress
    from octavo.reports.figures.bench import bench_figure
    from octavo.reports.figures.files import save_figure
    from octavo.reports.playground import measured_page
    from octavo.reports.terminal.bench import bench_notes, bench_table
    from octavo.reports.terminal.colours import make_console

    session, console = BenchSession(), make_console()
    with make_progress(not options.quiet) as progress:
        results = run_suites(
            request,
            lambda suite, fraction: progress.phase(f"measuring: {suite}", fraction),
            lambda generator, config: measured_page(generator.model, generator.tokenizer, config).html,
        )
    json_path = folder / "bench.json"
    write_atomically(json_path, json.dumps(suites_to_dict(session, request.rounds, results), indent=1).encode())
    comparisons = [comparison for suite in results.values() for comparison in suite]
    paths = [json_path, *save_figure(bench_figure(comparisons, session.lines()), folder / "bench")]
    say("\n".join(session.lines()))
    for comparison in comparisons:
        say(f"\n{comparison.title}")
        if comparison.measurements:
            console.print(bench_table(comparison))
        say("\n".join(bench_notes(comparison)), end="\n" if comparison.notes else "")
    say()
    for path in paths:
        say(path)
    return 0
