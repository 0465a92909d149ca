"""Check the course in an environment with Colab's own versions, kept in .colab-venv.

The wheel is built and installed by the notebooks' own set-up cell, which must leave every
other package as it was. Then the notebooks run under the strict comparison, all but those
that need an optional package. This tests the Python side and the widgets' models, not
Colab's page.

Usage: .venv/bin/python tools/colab_leg.py      (after the test command, which makes .venv)
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import course
import nbformat
from colab_rules import (
    INSTALLED,
    NEWER_ARGUMENT,
    PLANTED,
    damage,
    name_of,
    other_pins,
    read_cells,
    setup_source,
    stated,
    surplus,
    unnoticed,
    with_newer_features,
)
from execute_notebooks import CELL_TIMEOUT_SECONDS, is_compared
from needs import NEEDED
from stamp_links import stamp_setup

ROOT = course.ROOT
FOLDER = ROOT / ".colab-venv"
PYTHON = FOLDER / course.INTERPRETER
MARKER = FOLDER / "installed"
REQUIREMENTS = ROOT / "tests" / "colab" / "requirements.txt"
TOLD = ("torch", "numpy", "ipywidgets", "ipython", "ipykernel", "matplotlib")


def comparison(python, paths) -> list:
    """Return the command of the strict comparison of notebooks that lie in one folder.

    It takes no settings from the repository.
    """
    return [
        *(python, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider"),
        *(f"--nbval-cell-timeout={CELL_TIMEOUT_SECONDS}", "-c", os.devnull),
        *("--rootdir", paths[0].parent, *paths),
    ]


def in_colab(command, folder, why: str, **variables) -> str:
    """Run a command in ``folder`` and return what it printed.

    Nothing of the checkout is in reach there. Where it fails, the leg ends with ``why``.
    """
    done = run(command, folder, **variables)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nThe Colab-like leg failed: {why}")
    return done.stdout


def run(command, folder, **variables):
    """Run a command in ``folder``, without what reaches into it from this environment.

    A reader's own answers, which lie outside of it, must not change what is printed either.
    """
    outside = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LECTURE_TEXT")
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**course.environment_without(*outside), "LECTURE_PROGRESS": "off", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def pip(folder, why: str, *arguments) -> str:
    """Run pip in the Colab-like environment."""
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments]
    return in_colab(command, folder, why)


def freeze(folder) -> list:
    """Return what is installed, pip itself included, a line for each package."""
    return stated(pip(folder, "pip could not list the packages.", "freeze", "--all"))


def set_up(folder) -> None:
    """Make .colab-venv, or take what an earlier run of the set-up cell installed from it."""
    requirements = REQUIREMENTS.read_text(encoding="utf-8")
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = other_pins(constraints, requirements)
    wanted = [stated(requirements), pins, str(ROOT), sys.version]
    if MARKER.exists() and course.is_usable(PYTHON):
        pip(folder, "the helpers could not be taken out.", "uninstall", "--yes", *INSTALLED)
        if MARKER.read_text(encoding="utf-8") == json.dumps([wanted, freeze(folder)]):
            return
    print(f"Setting up {FOLDER} with Colab's versions.", flush=True)
    course.make_environment(FOLDER)
    (folder / "pins.txt").write_text("\n".join(pins), encoding="utf-8")
    packages = ["--requirement", REQUIREMENTS, "--constraint", folder / "pins.txt"]
    pip(folder, "its packages could not be installed.", "install", "--quiet", *packages)
    MARKER.write_text(json.dumps([wanted, freeze(folder)]), encoding="utf-8")


def build_wheel(folder) -> Path:
    """Build the wheel of this checkout."""
    options = ["wheel", "--quiet", "--no-deps", "--wheel-dir", folder / "wheel", ROOT]
    pip(folder, "the wheel could not be built.", *options)
    (wheel,) = (folder / "wheel").iterdir()
    return wheel


def check_bounds(folder, wheel) -> None:
    """Stop unless Colab's versions satisfy what the wheel asks for."""
    report = folder / "dry-run.json"
    why = "the wheel asks for what pip cannot install beside Colab's versions, as it says above."
    pip(folder, why, "install", "--quiet", "--dry-run", "--report", report, wheel)
    more = surplus(json.loads(report.read_text(encoding="utf-8")))
    if more:
        sys.exit(
            "The Colab-like leg failed: Colab's versions do not satisfy the dependencies in "
            f"pyproject.toml. pip would also install {', '.join(more)}."
        )


def copy_notebooks(folder, wheel) -> list:
    """Copy the notebooks, with the wheel as the source in their set-up cell.

    Those that need an optional package are left out, with a line that says so.
    """
    (folder / "notebooks").mkdir()
    copies = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if path.name in NEEDED:
            print(f"  {path.name}: left out, this leg does not install {NEEDED[path.name]}")
            continue
        notebook = nbformat.read(path, as_version=4)
        stamp_setup(notebook, wheel.as_posix())
        copies.append(folder / "notebooks" / path.name)
        nbformat.write(notebook, copies[-1])
    return copies


def install_by_setup_cell(notebook, folder) -> list:
    """Run a notebook's set-up cell where the helpers are missing; return the new freeze."""
    where = [PYTHON, "-c", "import lecture_helpers; print(lecture_helpers.__file__)"]
    if run(where, folder).returncode == 0:
        sys.exit("The Colab-like leg failed: lecture_helpers is there before it is installed.")
    before = freeze(folder)
    in_colab([PYTHON, "-c", setup_source(notebook)], folder, "the set-up cell raised.")
    after = freeze(folder)
    changed = damage(before, after)
    if changed:
        sys.exit(f"The Colab-like leg failed: after the set-up cell, {'; '.join(changed)}.")
    place = in_colab(where, folder, "the installed helpers cannot be imported.").strip()
    if FOLDER not in Path(place).parents:
        sys.exit(f"The Colab-like leg failed: lecture_helpers was imported from {place}.")
    return after


def compare(paths, folder) -> tuple:
    """Run notebooks under the strict comparison; return the finished run and its cells.

    An argument that is too new for ipywidgets, which it would only warn of, raises.
    """
    report = folder / "cells.xml"
    done = run(
        [*comparison(PYTHON, paths), f"--junitxml={report}"],
        folder,
        PYTHONWARNINGS=f"error:{NEWER_ARGUMENT}:DeprecationWarning",
    )
    return done, read_cells(report.read_text(encoding="utf-8")) if report.exists() else []


def check_notebooks(paths, folder) -> None:
    """Compare all notebooks and print how many cells of each ran and were compared."""
    done, cells = compare(paths, folder)
    failed = [f"{cell.notebook} {cell.name}" for cell in cells if cell.failure]
    if done.returncode:
        sys.exit(
            f"{done.stdout}{done.stderr}\nThe Colab-like leg failed: with Colab's versions "
            f"these cells raise or differ: {', '.join(failed) or 'see above'}."
        )
    for path in paths:
        code = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
        count = sum(cell.notebook == path.name for cell in cells)
        if count != len(code):
            sys.exit(f"The Colab-like leg failed: {path.name}: {count} of {len(code)} cells ran.")
        print(f"  {path.name}: {count} cells ran, {sum(map(is_compared, code))} compared")


def check_itself(notebook, folder) -> None:
    """Stop unless a notebook that uses newer features fails in this environment."""
    (folder / "planted").mkdir()
    path = folder / "planted" / "planted.ipynb"
    nbformat.write(with_newer_features(notebook), path)
    done, cells = compare([path], folder)
    missed = unnoticed(cells) if cells else list(PLANTED)
    if missed:
        sys.exit(
            f"{done.stdout}{done.stderr}\nThe Colab-like leg failed: it did not notice a "
            f"planted newer feature: {'; '.join(missed)}."
        )
    print(f"  planted newer features noticed: {'; '.join(PLANTED)}")


def main() -> None:
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_up(folder)
        wheel = build_wheel(folder)
        check_bounds(folder, wheel)
        paths = copy_notebooks(folder, wheel)
        first = nbformat.read(paths[0], as_version=4)
        versions = [line for line in install_by_setup_cell(first, folder) if name_of(line) in TOLD]
        print(f"Colab-like leg, Python {sys.version.split()[0]}: {', '.join(versions)}")
        print(f"  the set-up cell installed {' and '.join(INSTALLED)}, and left the rest as it was")
        check_notebooks(paths, folder)
        check_itself(first, folder)
    print(f"  passed in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
