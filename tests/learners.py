"""Learners' notebooks for the tests of the grader: a lecture's set-up and exercises alone."""

import re

import nbformat
from answers import PYTHON

LECTURE_1 = "01_dynamic_computation_graphs.ipynb"
IN_THE_STUB, IN_THE_CHECK, SOLUTION = "-stub", "-check", "-solution"


def of_lecture(root, notebook=LECTURE_1):
    """A notebook with a lecture's set-up cell and the cells of its exercises that are answered,
    checked and solved: what runs takes little time."""
    notebook = nbformat.read(root / "notebooks" / notebook, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    prefixes = [cell.id.removesuffix(IN_THE_CHECK) for cell in notebook.cells if is_check(cell)]
    kept = {one + ending for one in prefixes for ending in (IN_THE_STUB, IN_THE_CHECK, SOLUTION)}
    notebook.cells = [cell for cell in notebook.cells if cell is first or cell.id in kept]
    return notebook


def is_check(cell):
    is_it = cell.cell_type == "code" and cell.id.endswith(IN_THE_CHECK)
    return is_it and "lecture_helpers.exercises" in cell.source


def names(notebook):
    """What the answers are called, in order."""
    return [_name(cell) for cell in notebook.cells if is_check(cell)]


def solutions(notebook):
    """The code of each solution with what its stub imports, by the answer's name."""
    found = {}
    for name in names(notebook):
        solution = _cell(notebook, name, SOLUTION)
        imports = re.findall(
            r"^(?:import|from) .*\n", _cell(notebook, name, IN_THE_STUB).source, re.M
        )
        found[name] = "".join([*imports, *PYTHON.findall(solution.source)])
    return found


def answer(notebook, answers):
    """Write each answer's code, by its name, in the place of the stub. Return the notebook."""
    for name, source in answers.items():
        _cell(notebook, name, IN_THE_STUB).source = source
    return notebook


def delete_check(notebook, name):
    notebook.cells.remove(_cell(notebook, name, IN_THE_CHECK))


def put_before(notebook, name, source):
    """Put a cell of the learner's own before a stub."""
    cell = nbformat.v4.new_code_cell(source)
    notebook.cells.insert(notebook.cells.index(_cell(notebook, name, IN_THE_STUB)), cell)


def put_after(notebook, name, source):
    """Put a cell of the learner's own after a check."""
    cell = nbformat.v4.new_code_cell(source)
    notebook.cells.insert(notebook.cells.index(_cell(notebook, name, IN_THE_CHECK)) + 1, cell)


def save(notebook, path):
    nbformat.write(notebook, path)
    return str(path)


def _cell(notebook, name, ending):
    (check,) = [cell for cell in notebook.cells if is_check(cell) and _name(cell) == name]
    wanted = check.id.removesuffix(IN_THE_CHECK) + ending
    return next(cell for cell in notebook.cells if cell.id == wanted)


def _name(cell):
    return re.search(r"^check_(\w+)\(", cell.source, re.M)[1]
