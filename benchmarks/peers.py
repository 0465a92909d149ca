"""Time ``show_graph`` beside a bare walk, torchviz and torchview: one table, then the aims.

Usage: python benchmarks/peers.py [CASE ...] [--repeats N] [--settle]
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from statistics import median

import torch
from aims import aims
from graphs import CASES
from measure import PEERS, SUBJECTS

MEASURE = Path(__file__).with_name("measure.py")
LONGEST_CASE_S = 1800
IMPORT_REPEATS = 15
IMPORTS = """\
from time import perf_counter
start = perf_counter()
import torch
middle = perf_counter()
import lecture_helpers
print(middle - start, perf_counter() - middle)
"""
LABELS = {
    "forward": "forward alone",
    "bare": "bare walk",
    "capture": "`show_graph(loss)`",
    "saved": "`show_graph(loss, saved=True)`",
    "picture": "`show_graph(loss).to_svg()`",
    "svg": "`to_svg()` alone, warm",
    "torchviz": "torchviz `make_dot`",
    "torchviz_deep": "torchviz, recursion limit raised",
    "torchview": "torchview `draw_graph`, forward included",
}
HEAD = """\
| graph | nodes | what | median ms | least to most ms | / bare walk | / torchviz |
|---|--:|---|--:|--:|--:|--:|"""


def measured(name, options) -> dict:
    """Return what ``measure.py`` found for one graph; what kills its process is left out."""
    killed = {}
    while True:
        lines, end = _run_case(name, [*options, "--without", *killed])
        if end is None:
            result = lines[-1]["result"]
            result["failed"] |= killed
            return result
        culprit = lines[-1]["next"] if lines else "everything"
        print(f"  {culprit}: {end}", file=sys.stderr)
        if culprit not in SUBJECTS:
            return {"times": {}, "failed": dict.fromkeys(SUBJECTS, end)}
        killed[culprit] = end


def _run_case(name, options):
    """Return the lines of one process, and how it ended, None for well."""
    command = [sys.executable, str(MEASURE), name, *options]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LONGEST_CASE_S)
        out, end = done.stdout, _ended(done.returncode)
    except subprocess.TimeoutExpired as late:
        out, end = late.stdout or "", f"no end after {LONGEST_CASE_S} s"
        out = out.decode() if isinstance(out, bytes) else out  # bytes in spite of text=True
    return [json.loads(line) for line in out.splitlines() if line.endswith("}")], end


def _ended(code):
    """Return how a process ended that did not end well."""
    if code == 0:
        return None
    if code < 0:
        return f"killed the interpreter: {signal.Signals(-code).name}"
    return f"ended the interpreter with code {code}"


def rows(title, result, labels=LABELS, bases=(("bare",), ("torchviz", "torchviz_deep"))) -> list:
    """Return the lines of the table for one graph.

    labels: what each thing that is timed is called.
    bases: the median is divided by that of the first thing of each tuple that ran.
    """
    medians = {name: median(took) for name, took in result["times"].items()}
    by = [next((medians[name] for name in names if name in medians), None) for names in bases]
    lines = []
    for name, label in labels.items():
        start = f"| {title} | {result.get('nodes', 0):,} | {label} |"
        if name in medians:
            took, all_of_them = medians[name], result["times"][name]
            spread = f"{_ms(min(all_of_them))} to {_ms(max(all_of_them))}"
            ratios = " | ".join(_ratio(took, base) for base in by)
            lines.append(f"{start} {_ms(took)} | {spread} | {ratios} |")
        elif name in result["failed"]:
            lines.append(f"{start} {result['failed'][name]} |{' |' * (len(bases) + 1)}")
    return lines


def _ms(took):
    return f"{took:,.0f}" if took >= 100 else f"{took:.3g}"


def _ratio(took, by):
    return f"{took / by:.2f}" if by else ""


def import_times() -> list:
    """Return (seconds for torch, seconds more for the package), each of a fresh process.

    The first process warms the disk and does not count. The difference of whole processes
    would be lost in their noise.
    """
    command = [sys.executable, "-c", IMPORTS]
    printed = [subprocess.check_output(command, text=True) for _ in range(IMPORT_REPEATS + 1)]
    return [tuple(float(number) for number in line.split()) for line in printed[1:]]


def setting(peers=PEERS) -> str:
    """Return in one line what was measured on."""
    versions = [f"Python {platform.python_version()}"]
    for package in ("torch", *peers):
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    return ", ".join([*versions, platform.system(), f"{os.cpu_count()} CPUs"])


def arguments(description, cases, option=None, **settings):
    """Return what a command line asks for: graphs, ``--repeats`` and perhaps one option more."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("cases", nargs="*", help=f"graphs, of {', '.join(cases)}; default all")
    parser.add_argument(
        "--repeats", type=int, default=0, help="runs of each; the default depends on the graph"
    )
    if option:
        parser.add_argument(option, **settings)
    given = parser.parse_args()
    if unknown := set(given.cases) - set(cases):
        parser.error(f"no such graph: {', '.join(sorted(unknown))}")
    return given


def busy_setting(peers) -> str:
    """Return ``setting`` with how busy the machine is, and torch's threads."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{setting(peers)}{load}, {torch.get_num_threads()} threads"


def main():
    settle = {"action": "store_true", "help": "collect garbage before each run"}
    given = arguments("Time show_graph beside its peers.", CASES, "--settle", **settle)
    options = ["--repeats", str(given.repeats)] + ["--settle"] * given.settle
    print(f"{setting()}\n\n{HEAD}")
    results = {}
    for name in given.cases or CASES:
        print(f"{CASES[name].title} ...", file=sys.stderr)
        results[name] = measured(name, options)
        print(*rows(CASES[name].title, results[name]), sep="\n", flush=True)
    print("import ...", file=sys.stderr)
    print("\n| aim | measured | |\n|---|---|---|")
    print(*aims(results, import_times()), sep="\n")


if __name__ == "__main__":
    main()
