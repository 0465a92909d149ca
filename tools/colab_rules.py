"""What tools/colab_leg.py decides, from texts and data alone: it runs and writes nothing."""

import re
from typing import NamedTuple
from xml.etree import ElementTree

import nbformat
from stamp_links import SETUP_ID

INSTALLED = ("fast-sugiyama", "lecture-helpers")  # all that the set-up cell may install
# An argument that ipywidgets 7 does not know is dropped with this warning only.
NEWER_ARGUMENT = "Passing unrecognized arguments"
PLANTED = {  # newer than ipywidgets 7.7.1: what a cell does -> what must stop it
    "newer = ipywidgets.TagsInput()": "has no attribute 'TagsInput'",
    "newer = ipywidgets.Tab(titles=['one'])": f"{NEWER_ARGUMENT} to super(Tab)",
}


class Cell(NamedTuple):
    """What became of one code cell: nbval's name for it, and why it failed (None: passed)."""

    notebook: str
    name: str
    failure: str | None


def name_of(requirement: str) -> str:
    """Return the package's name, in the form that pip compares, from a requirement's line."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def stated(text: str) -> list:
    """Return the lines of a requirements file that state a package."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def other_pins(constraints: str, requirements: str) -> list:
    """Return the lines of constraints.txt whose package the requirements do not pin."""
    pinned = {name_of(line) for line in stated(requirements) if "==" in line}
    return [line for line in stated(constraints) if name_of(line) not in pinned]


def surplus(report: dict) -> list:
    """Return what pip would install besides the two packages, from its dry run's report."""
    planned = [item["metadata"] for item in report["install"]]
    return [
        f"{package['name']} {package['version']}"
        for package in planned
        if name_of(package["name"]) not in INSTALLED
    ]


def damage(before: list, after: list) -> list:
    """Return what the set-up cell did besides adding the two packages, from two freezes."""
    was, now = ({name_of(line): line for line in lines} for lines in (before, after))
    found = [f"{name} was not installed" for name in INSTALLED if name not in now]
    for name in sorted({*was, *now} - {*INSTALLED}):
        if was.get(name) != now.get(name):
            found.append(f"{was.get(name, f'no {name}')} became {now.get(name, f'no {name}')}")
    return found


def setup_source(notebook) -> str:
    """Return the code of a notebook's set-up cell."""
    (cell,) = [cell for cell in notebook.cells if cell.id == SETUP_ID]
    return cell.source


def with_newer_features(notebook):
    """Return a notebook of the set-up cell and one cell for each newer feature of PLANTED.

    Their stored outputs are empty, as they would be where the feature exists.
    """
    sources = [f"{setup_source(notebook)}\nimport ipywidgets", *PLANTED]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    for count, cell in enumerate(cells, start=1):
        cell.execution_count = count
    return nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)


def unnoticed(cells: list) -> list:
    """Return the newer features of PLANTED whose cell did not fail for the right reason."""
    setup, *planted = cells
    if setup.failure:
        return list(PLANTED)
    return [
        source
        for cell, (source, reason) in zip(planted, PLANTED.items(), strict=True)
        if reason not in (cell.failure or "")
    ]


def read_cells(report: str) -> list:
    """Return a ``Cell`` for each test case in pytest's report, which is JUnit's XML."""
    found = []
    for case in ElementTree.fromstring(report).iter("testcase"):
        problem = next((child for child in case if child.tag in ("failure", "error")), None)
        failure = None if problem is None else "".join(problem.itertext())
        found.append(Cell(case.get("classname"), case.get("name"), failure))
    return found
