"""Every exercise has its card, stub, check, hints and solution, and every kind is there."""

from collections import Counter

import nbformat
import pytest
import test_solutions
from exercise_rules import cards_of, exercise_problems, id_of

from lecture_helpers.exercises.checking import Case, check
from lecture_helpers.exercises.registry import KINDS, exercises_of

REGISTERED = {one.number: one for one in exercises_of()}
LECTURES = ("1", "2", "3")  # each with all four kinds
FEWEST = 4


def cells_of(path):
    return nbformat.read(path, as_version=4).cells


def test_each_exercise_has_all_its_cells_and_its_check_is_registered(notebook_path):
    assert exercise_problems(cells_of(notebook_path), REGISTERED) == []


def test_each_registered_exercise_stands_in_one_notebook(root):
    numbers = Counter(
        card.number
        for path in (root / "notebooks").glob("*.ipynb")
        for card in cards_of(cells_of(path))
    )
    assert numbers == Counter(REGISTERED.keys())


def test_each_exercise_is_tried_with_its_solution_and_with_wrong_answers():
    tried = {lecture.CHECKS[name][0] for lecture, name in test_solutions.EXERCISES}
    untried = [one.number for one in REGISTERED.values() if one.check not in tried]
    assert untried == [one.number for one in exercises_of("A")]  # see test_exercises_appendix


@pytest.mark.parametrize("lecture", LECTURES)
def test_a_lecture_has_every_kind_of_exercise(lecture):
    kinds = Counter(one.kind for one in exercises_of(lecture))
    assert set(kinds) == set(KINDS) and kinds.total() >= FEWEST


HINTS = "<details><summary>Hint: {}</summary>\n\nLook.\n</details>"
CELLS = {
    "ex11-a": "### Exercise 1.1 a: x\n\n*Difficulty 1 of 3, about 5 minutes.*\n\nWrite it.",
    "ex11-a-stub": "def planted(x):\n    ...  # your code here",
    "ex11-a-check": "from test_exercise_cards import check_planted\n\ncheck_planted(planted)",
    "ex11-a-hints": HINTS.format("one") + "\n" + HINTS.format("two"),
    "ex11-a-solution": "<details><summary>Solution</summary>\n\n```python\ndef planted(x):\n"
    "    return x\n```\n</details>",
}


def check_planted(function):
    return check(function, [Case("x = 1", 1.0, 1.0)])


class Planted:
    number, answer, check = "1.1 a", "planted", staticmethod(check_planted)


def notebook_with(changes):
    cells = []
    for name, source in {**CELLS, **changes}.items():
        is_code = name.endswith(("-stub", "-check", "-code"))
        make = nbformat.v4.new_code_cell if is_code else nbformat.v4.new_markdown_cell
        if source is not None:
            tags = {"metadata": {"tags": ["solution"]}} if name.endswith("-solution") else {}
            cells.append(make(source, id=name, **tags))
    return cells


@pytest.mark.parametrize("changes, said", [
    ({}, None), ({"ex11-a-task": "more"}, None),
    ({"ex11-a": CELLS["ex11-a"].replace("1.1 a", "1.1 b")}, "should be ex11-b"),
    ({"ex11-a": CELLS["ex11-a"].replace("Difficulty 1", "Difficulty 4")}, "no line such as"),
    ({"ex11-a": CELLS["ex11-a"].replace("5 minutes", "5 hours")}, "no line such as"),
    ({"ex11-a-hints": None}, "has the cells ['stub', 'check', 'solution']"),
    ({"ex11-a-solution": None}, "has the cells ['stub', 'check', 'hints']"),
    ({"ex11-a-stub": "def other(x):\n    ..."}, "the stub does not hold planted"),
    ({"ex11-a-stub": "def planted(x):\n    return x"}, "the stub does not hold planted"),
    ({"ex11-a-check": "from test_exercise_cards import id_of\n\ncheck_planted(planted)"},
     "does not import check_planted"),
    ({"ex11-a-check": "from test_exercise_cards import check_planted\n\ncheck_planted(other)"},
     "the check is not check_planted(planted)"),
    ({"ex11-a-check": CELLS["ex11-a-check"] + "\nprint()"}, "the check is not check_planted"),
    ({"ex11-a-hints": HINTS.format("one")}, "fewer than 2 hints"),
    ({"ex11-a-solution": CELLS["ex11-a-solution"].replace("def planted", "def other")},
     "the solution does not define planted"),
    ({"ex11-a-solution": CELLS["ex11-a-solution"].replace("<details>", "")}, "not folded"),
    ({"ex12-a-hints": HINTS}, "ex12-a-hints: belongs to no exercise"),
    ({"loose-solution": "x"}, "loose-solution: belongs to no exercise"),
])  # fmt: skip
def test_a_planted_slip_is_found(changes, said):
    found = exercise_problems(notebook_with(changes), {"1.1 a": Planted})
    if said is None:
        assert found == []
    else:
        assert any(said in one for one in found), found


def test_other_slips_of_the_cells_are_found():
    cells = notebook_with({})
    assert exercise_problems(cells, {}) == ["ex11-a: no check is registered for exercise 1.1 a"]
    swapped = [cells[0], cells[2], cells[1], *cells[3:]]
    (found,) = exercise_problems(swapped, {"1.1 a": Planted})
    assert "has the cells ['check', 'stub', 'hints', 'solution']" in found
    cells[-1].metadata = {}
    found = exercise_problems(cells, {"1.1 a": Planted})
    assert found == ["ex11-a: the solution has the tags []"]
    other = type("Other", (Planted,), {"check": staticmethod(check)})
    (found,) = exercise_problems(notebook_with({}), {"1.1 a": other})
    assert "does not import check_planted of exercise 1.1 a" in found


def test_the_id_of_a_card_tells_its_number():
    assert [id_of("1.2 a"), id_of("P.3 b"), id_of("A.1")] == ["ex12-a", "exP3-b", "exA1"]
