"""The rules of a notebook's questions that can be read without running it.

``question = predict(...)`` stands in one cell, ``question.compare(...)`` in a later one.
"""

import ast
from dataclasses import dataclass

IN_PLACE = (ast.List, ast.Set, ast.Dict)  # what a later call may fill


@dataclass
class Asked:
    """A question of a notebook: where it is asked and under which name."""

    place: int
    cell: str
    name: str


def question_problems(code_cells) -> list:
    """Return what is wrong with the questions, each with the id of its cell."""
    found, asked, bound = [], {}, {}
    for place, cell in enumerate(code_cells):
        for line in ast.parse(plain_python(cell.source)).body:
            for name, value in bindings(line):
                bound.setdefault(name, []).append(value)
                if is_call_of(value, "predict"):
                    asked[name] = Asked(place, cell.id, name)
                    found += [f"{cell.id}: {problem}" for problem in _of_asking(value)]
            for call in compares(line, asked):
                one = asked[call.func.value.id]
                found += [f"{cell.id}: {problem}" for problem in _of_telling(call, bound)]
                if place - one.place < 2:
                    found.append(f"{cell.id}: no cell runs between {one.cell} and the verdict")
    return found


def _of_asking(call):
    """Yield what is wrong with a call of ``predict``."""
    section = keyword(call, "section")
    if not isinstance(section, ast.Constant):
        yield "predict without the section it stands in, such as section='2.2'"


def _of_telling(call, bound):
    """Yield what is wrong with a call of ``compare``."""
    tempting = keyword(call, "tempting")
    if not (isinstance(tempting, ast.Dict) and tempting.keys):
        yield "compare without tempting={wrong answer: sentence}"
    if not call.args or is_literal(call.args[0]):
        yield "compare is given a literal; give it what the cells computed"
    elif isinstance(call.args[0], ast.Name):
        values = bound.get(call.args[0].id, [])
        if values and all(is_literal(one) and not isinstance(one, IN_PLACE) for one in values):
            yield f"{call.args[0].id} is a literal; compare needs what the cells computed"


def compares(line, asked):
    """Yield each call ``question.compare(...)`` in a line."""
    for node in ast.walk(line):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of = node.func.value
        if node.func.attr == "compare" and isinstance(of, ast.Name) and of.id in asked:
            yield node


def bindings(line):
    """Yield (name, value) for each variable that a line binds; None for an unknown value."""
    for node in ast.walk(line):
        if isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets):
            for target in node.targets:
                yield target.id, node.value
        elif isinstance(node, ast.NamedExpr):
            yield node.target.id, node.value
        elif not isinstance(node, ast.Assign):
            for target in stored_by(node):
                yield target, None
        else:
            for name in names_in(node.targets):
                yield name, None


def stored_by(node):
    """Return the names that a loop, a ``with``, an augmented assignment and the like bind."""
    held = [getattr(node, "target", None), getattr(node, "optional_vars", None)]
    return names_in([one for one in held if one is not None])


def names_in(nodes) -> list:
    """Return the variables in some expressions."""
    return [one.id for node in nodes for one in ast.walk(node) if isinstance(one, ast.Name)]


def is_literal(value) -> bool:
    """Whether an expression is written down rather than computed: no name stands in it."""
    return isinstance(value, ast.expr) and not names_in([value])


def is_call_of(value, function) -> bool:
    """Whether an expression is a call of a function, by its name."""
    return isinstance(value, ast.Call) and getattr(value.func, "id", None) == function


def keyword(call, name):
    """Return the value of a keyword argument; None where there is none."""
    return next((one.value for one in call.keywords if one.arg == name), None)


def plain_python(source) -> str:
    """Return a cell's source without the lines that only IPython reads."""
    lines = source.split("\n")
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)
