"""Stamp the repository's public address, from pyproject.toml, into notebooks and README.

Each notebook gets its set-up cell (the same in all) and a Colab badge; the README gets
one badge. While pyproject.toml still holds the placeholder, no badge is stamped, and
the set-up cell says what to do where the helpers are missing.

Usage: python tools/stamp_links.py
"""

import re
import sys
import tomllib
from pathlib import Path

import nbformat
from execute_notebooks import write

ROOT = Path(__file__).resolve().parent.parent
PLACEHOLDER = "OWNER/REPOSITORY"
SETUP_ID, BADGE_ID = "set-up", "open-in-colab"
COLAB = "https://colab.research.google.com"
ADDRESS = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")
BADGE_IN_README = re.compile(r"<!-- badge -->.*?<!-- /badge -->", re.S)

SETUP = """\
# @title Set-up (folded): loads the helpers; in Colab it installs them and leaves torch alone
try:
    import lecture_helpers
except ModuleNotFoundError:
    import importlib, subprocess, sys

    SOURCE = "{source}"
    if not SOURCE:
        raise ModuleNotFoundError(
            "lecture_helpers is not installed here. On your own machine start the course as "
            "its README says. To use this copy in Colab, its maintainer sets the Repository "
            "address in pyproject.toml and runs python tools/stamp_links.py."
        ) from None
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "fast-sugiyama=={layout}", SOURCE], check=True)
    importlib.invalidate_caches()

import torch
from lecture_helpers import (
    compare_graphs, compare_speed, device, expect_error, grad_history, grad_table, plot_losses,
    plot_path, predict, press, progress_bar, raised_by, record_backward, saved_memory, show_graph,
    show_picture, show_progress, tracking_map, use_text, watch_backward, what_if,
)\
"""


def public_address() -> str | None:
    """Return the repository's address from pyproject.toml; None while it is the placeholder.

    Raises:
        SystemExit: the address is not one of a GitHub repository, which Colab can open.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project["urls"]["Repository"].rstrip("/").removesuffix(".git")
    if PLACEHOLDER in address:
        return None
    if not ADDRESS.fullmatch(address):
        sys.exit(
            f"pyproject.toml gives the repository's address as {address!r}; Colab can open only "
            f"GitHub's, such as https://github.com/your-name/your-repository"
        )
    return address


def layout_pin() -> str:
    """Return the version of fast-sugiyama in constraints.txt, which decides the pictures."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return re.search(r"^fast-sugiyama==(.+)$", pins, re.M)[1]


def stamp(notebook, name: str, address: str | None) -> None:
    """Stamp one notebook, in place: the set-up cell and the badge."""
    stamp_setup(notebook, f"git+{address}" if address else "")
    notebook.cells = [cell for cell in notebook.cells if cell.id != BADGE_ID]
    if address:
        badge = nbformat.v4.new_markdown_cell(colab_badge(address, f"notebooks/{name}"))
        badge.id = BADGE_ID
        notebook.cells.insert(0, badge)


def stamp_setup(notebook, source: str) -> None:
    """Stamp the set-up cell, in place, to install from ``source``, which is pip's own term."""
    setup = next((cell for cell in notebook.cells if cell.id == SETUP_ID), None)
    if setup is None:
        setup = nbformat.v4.new_code_cell(id=SETUP_ID)
        notebook.cells.insert(1, setup)
    setup.source = SETUP.format(source=source, layout=layout_pin())
    setup.metadata = nbformat.from_dict({"cellView": "form", "jupyter": {"source_hidden": True}})


def colab_badge(address: str, path: str) -> str:
    """Return the Markdown of a badge that opens ``path`` of the branch main in Colab."""
    repository = address.removeprefix("https://github.com/")
    target = f"{COLAB}/github/{repository}/blob/main/{path}"
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({target})"


def main() -> None:
    address = public_address()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        stamp(notebook, path.name, address)
        write(notebook, path)
    readme = ROOT / "README.md"
    badge = colab_badge(address, "notebooks/00_start_here.ipynb") if address else ""
    text = readme.read_text(encoding="utf-8")
    stamped = BADGE_IN_README.sub(f"<!-- badge -->{badge}<!-- /badge -->", text)
    readme.write_bytes(stamped.encode())
    print(f"stamped {address}" if address else "no public address yet: badges removed")


if __name__ == "__main__":
    main()
