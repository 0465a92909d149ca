"""The command in the README that removes the solutions, run as it stands there."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import nbformat
import pytest
from answers import PYTHON
from colab_leg import comparison
from learners import is_check

from lecture_helpers.exercises.grading.submission import read

TAG = "solution"


@pytest.fixture(scope="module")
def handout(root, tmp_path_factory):
    """A copy of the notebooks, and the folder that the command writes there."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\.venv/bin/jupyter nbconvert .*$", readme, re.M)
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(root / "notebooks", folder / "notebooks")
    jupyter, *options = shlex.split(command)
    assert jupyter == ".venv/bin/jupyter" and options[-1] == "notebooks/*.ipynb"
    paths = sorted(path.relative_to(folder) for path in folder.glob(options.pop()))
    run = [sys.executable, "-m", "jupyter", *options, *paths]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (folder / "handout").iterdir()) == [p.name for p in paths]
    return folder


@pytest.fixture(scope="module")
def root(pytestconfig):
    return pytestconfig.rootpath


def pairs(handout):
    """Each notebook as it was and as it is handed out."""
    for path in sorted((handout / "notebooks").glob("*.ipynb")):
        yield [nbformat.read(one, as_version=4) for one in (path, handout / "handout" / path.name)]


def tagged(notebook):
    return [cell for cell in notebook.cells if TAG in cell.metadata.get("tags", [])]


def test_the_solutions_are_gone_and_every_other_cell_is_as_it_was(handout):
    for before, after in pairs(handout):
        kept = [cell for cell in before.cells if cell not in tagged(before)]
        assert after.cells == kept and not tagged(after)
        assert after.metadata == before.metadata


def test_no_code_of_a_solution_is_left(handout):
    removed = 0
    for before, after in pairs(handout):
        text = "\n".join(cell.source for cell in after.cells)
        assert len(tagged(before)) == sum(map(is_check, before.cells))
        for solution in tagged(before):
            (code,) = PYTHON.findall(solution.source)
            assert code.strip() not in text and solution.source not in text
            removed += 1
    assert removed > 30


def test_it_has_the_same_exercises(handout):
    for path in sorted((handout / "handout").glob("[0-9p]*.ipynb")):
        if path.name.startswith("00"):
            continue
        assert read(path).exercises == read(handout / "notebooks" / path.name).exercises


def test_a_stripped_lecture_runs_and_compares_strictly(handout, root):
    """One is enough: a removed cell is markdown, so all that runs is the same in each."""
    for before, _ in pairs(handout):
        assert {cell.cell_type for cell in tagged(before)} <= {"markdown"}
    path = handout / "handout" / "practice_autograd_by_hand.ipynb"
    done = subprocess.run(
        comparison(sys.executable, [path]),
        capture_output=True,
        text=True,
        cwd=path.parent,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout
