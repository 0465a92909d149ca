"""Grade learners' notebooks.

Usage: python -m lecture_helpers.exercises FILE.ipynb [FILE.ipynb ...]
"""

import argparse
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

from .registry import exercises_of

NEEDED = ("jupyter_client", "ipykernel", "psutil")
ALL_SOLVED, NOT_ALL_SOLVED, UNUSABLE = 0, 1, 2
INTERRUPTED, TERMINATED = 130, 143


def main(arguments=None) -> int:
    """Grade notebooks, print and write what came, and return the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    lacking = [name for name in NEEDED if find_spec(name) is None]
    if lacking:
        parser.error(
            f"{lacking[0]} is not installed here, and notebooks run in Jupyter's kernels; "
            f"run {sys.executable} -m pip install jupyterlab"
        )
    from .grading import grade, report  # with what may be missing

    limits = grade.Limits(given.time_limit, given.cell_limit, given.memory_limit * 2**30)
    graded = []
    try:
        for path in given.notebooks:
            print(f"grading {path}", file=sys.stderr, flush=True)
            graded.append(grade.grade(path, given.lecture, limits))
            print(f"{report.table(graded[-1])}\n", flush=True)
    finally:  # after Ctrl-C, too: what was graded is not lost
        reports = [(report.as_json, given.json), (report.as_junit, given.junit)]
        are_written = [_is_written(text_of(graded), path) for text_of, path in reports]
    if not all(are_written) or any(one.problem for one in graded):
        return UNUSABLE
    return ALL_SOLVED if all(one.is_solved for one in graded) else NOT_ALL_SOLVED


def _is_written(text, path) -> bool:
    """Write a report where a path is given; say so where that fails."""
    from .grading import report

    try:
        if path:
            report.write(text, path)
    except OSError as error:
        print(f"{path} cannot be written: {error.strerror}", file=sys.stderr)
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lecture_helpers.exercises",
        description="Execute learners' notebooks and report which exercises are solved.",
        epilog="It runs the learners' code with your rights, on your machine. Exit code: 0 all "
        "is solved, 1 something is not, 2 wrong usage or a file that could not be graded.",
    )
    option = parser.add_argument
    option("notebooks", nargs="+", metavar="FILE.ipynb")
    option("--json", type=_writable, metavar="PATH", help="write the results as JSON")
    option("--junit", type=_writable, metavar="PATH", help="write the results as JUnit XML")
    option("--lecture", type=_lecture, metavar="LECTURE", help="which lecture the notebooks are, "
           "such as 1; needed only where a notebook does not tell")  # fmt: skip
    option("--time-limit", type=_positive, default=600, metavar="SECONDS",
           help="for a whole notebook (default: %(default)s)")  # fmt: skip
    option("--cell-limit", type=_positive, default=120, metavar="SECONDS",
           help="for one cell or check (default: %(default)s)")  # fmt: skip
    option("--memory-limit", type=_positive, default=4, metavar="GIB",
           help="for one notebook's processes (default: %(default)s)")  # fmt: skip
    return parser


def _positive(text) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _lecture(text) -> str:
    known = sorted({one.lecture for one in exercises_of()})
    if text not in known:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(known)}")
    return text


def _writable(text) -> Path:
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no file in a folder that exists")
    return path


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that kernels end too
    sys.stdout.reconfigure(errors="replace")  # a message may hold what a terminal cannot show
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
