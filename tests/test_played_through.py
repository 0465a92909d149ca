"""A robot plays each notebook: every question has one right answer, and says why others are not."""

import nbformat
import pytest
from played import lecture_of, play, problems_of
from robot import Robot
from runnable import skip_unless_runnable

from lecture_helpers.questions import question_of


def test_each_question_has_one_right_answer_and_explains_a_wrong_one(notebook_path, tmp_path):
    skip_unless_runnable(notebook_path)
    played = play(notebook_path, tmp_path)
    assert played["predictions"], "a lecture without a question"
    assert problems_of(played, notebook_path) == []


PLANTED = {  # the cells of one question, and what is said of them
    "sound": (
        'q = predict("sound", ["4.0", "8.0", "12.0"], section="1.2")',
        "y = 2.0 * 4",
        'q.compare(y, tempting={"4.0": "That is x."})',
        None,
    ),
    "several": (
        'q = predict("several", ["a", "b", "c"], kind="several", section="1.2")',
        'held = [c for c in "abc" if c != "b"]',
        'q.compare(held, tempting={"b": "It does not hold."})',
        None,
    ),
    "order": (
        'q = predict("order", ["3", "1", "2"], kind="order", section="1.2")',
        "order = sorted([3, 1, 2])",
        'q.compare(order, tempting={"2": "It is second."})',
        None,
    ),
    "raised": (
        'q = predict("raised", kind="raises", section="1.2")',
        'error = raised_by(int, "x")',
        'q.compare(error, tempting={"it runs": "No number stands there."})',
        None,
    ),
    "flag": (
        'q = predict("flag", kind="true or false", section="1.2")',
        "flag = 1 > 2",
        'q.compare(flag, tempting={"True": "One is less."})',
        None,
    ),
    "none-of-them": (
        'q = predict("stranger", ["1.0", "2.0"], section="1.2")',
        "y = 3.0",
        'q.compare(y, tempting={"1.0": "No."})',
        "no answer is judged right",
    ),
    "moves": (
        'q = predict("moves", section="1.2")',
        "w = torch.tensor(3.0)",
        'q.compare(w, tempting={"4": "No."})\nw.add_(1)',
        None,
    ),
    "explains-itself": (
        'q = predict("explains itself", ["1.0", "2.0"], section="1.2")',
        "class Odd(float):\n    pass",
        'q.compare(Odd(2.0), tempting={"2.0": "That is right."})',
        "no wrong answer brings a whole sentence on the tempting 2.0",
    ),
    "nothing-tempts": (
        'q = predict("bare", ["1.0", "2.0"], section="1.2")',
        "y = 2.0",
        "q.compare(y)",
        "no tempting answer is explained",
    ),
    "half-a-sentence": (
        'q = predict("half", ["1.0", "2.0"], section="1.2")',
        "y = 2.0",
        'q.compare(y, tempting={"1.0": "no"})',
        "no wrong answer brings a whole sentence on the tempting 1.0",
    ),
    "right-is-tempting": (
        'q = predict("right tempts", section="1.2")',
        "y = 2.0",
        'q.compare(y, tempting={"2": "It is right."})',
        "no wrong answer brings a whole sentence on the tempting 2",
    ),
    "right-and-praised": (
        'q = predict("praised", section="1.2")',
        "y = 2.0",
        'q.compare(y, tempting={"2": "Right."})',
        "no wrong answer brings a whole sentence on the tempting 2",
    ),
    "other-section": (
        'q = predict("elsewhere", ["1.0", "2.0"], section="1.3")',
        "y = 2.0",
        'q.compare(y, tempting={"1.0": "No."})',
        "section '1.3', expected '1.2'",
    ),
    "never-told": (
        'q = predict("never told", ["1.0", "2.0"], section="1.2")',
        "y = 2.0",
        "y",
        "compared in no cell, expected one",
    ),
    "told-twice": (
        'q = predict("told twice", ["1.0", "2.0"], section="1.2")',
        'q.compare(2.0, tempting={"1.0": "No."})',
        'q.compare(2.0, tempting={"1.0": "No."})',
        "compared in ['told-twice-1', 'told-twice-2'], expected one",
    ),
    "raises": (
        'q = predict("breaks", ["1.0", "2.0"], section="1.2")',
        'q.compare(2.0, tempting={"1.0": "No."})',
        "1 / 0",
        "ZeroDivisionError: division by zero",
    ),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """What is said of a notebook with each slip."""
    folder = tmp_path_factory.mktemp("planted")
    setup = "import torch\nfrom lecture_helpers import predict, raised_by"
    cells = [
        nbformat.v4.new_markdown_cell("## 1.2 Planted", id="heading"),
        nbformat.v4.new_code_cell(setup, id="set-up"),
    ]
    for name, (*sources, _) in PLANTED.items():
        cells += [
            nbformat.v4.new_code_cell(source, id=f"{name}-{count}")
            for count, source in enumerate(sources)
        ]
    path = folder / "01_planted.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return play(path, folder), path


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_slip_is_found_and_nothing_else(planted, name):
    said = [one for one in problems_of(*planted) if one.startswith(f"{name}-")]
    expected = PLANTED[name][-1]
    assert len(said) == (expected is not None), said
    assert expected is None or expected in said[0]


def test_every_way_to_answer_is_tried(planted):
    asked = {one["words"]: one for one in planted[0]["predictions"]}
    assert asked["several"]["truths"] == [["a", "c"]] and asked["several"]["wrong"] == 7
    assert asked["order"]["truths"] == [["1", "2", "3"]] and asked["order"]["wrong"] == 5
    assert asked["raised"]["truths"] == ["ValueError"] and asked["raised"]["wrong"] == 5
    assert asked["flag"]["truths"] == ["False"] and asked["moves"]["truths"] == ["3.0"]


class Moody:
    """Stands for a question; says what it is told to, first below itself, then when compared."""

    def __init__(self, question, below, told):
        self.question, self.below, self.told = question, below, told

    def commit(self, answer):
        print(self.below[answer])

    def compare(self, computed, tempting=None):
        print(self.told)


RIGHT, WRONG = "You predicted 2. Right.", "You predicted 1. The computation gives 2."


@pytest.mark.parametrize("below, told, later, strange, late", [
    ({"1": WRONG, "2": RIGHT}, WRONG, {"1": WRONG, "2": RIGHT}, ["2"], []),
    ({"1": WRONG, "2": WRONG}, WRONG, {"1": WRONG, "2": WRONG}, [], []),
    ({"1": WRONG, "2": WRONG}, WRONG, {"1": WRONG, "2": RIGHT}, [], ["2"]),
    ({"1": "Noted.", "2": "Noted."}, "Noted.", {"1": "Noted.", "2": "Noted."}, ["1", "2"], []),
])  # fmt: skip
def test_a_verdict_that_is_none_or_changes_is_noted(below, told, later, strange, late):
    kind, robot = type("Moody", (Moody,), {}), Robot()
    robot.watch(kind)
    one = kind(question_of("?", ["1", "2"]), below, told)
    one.compare(2)
    one.below = later
    robot.end()
    assert robot.asked[one].strange == strange and robot.asked[one].late == late


def question(words, **changed):
    facts = {"cell": "a", "kind": "choice", "section": "1.2", "choices": ["1", "2"],
             "compared": ["b"], "truths": ["2"], "wrong": 1, "strange": [], "late": [],
             "tempting": {"1": True}}  # fmt: skip
    return facts | {"words": words} | changed


def told(*asked, tmp_path):
    path = tmp_path / "01_planted.ipynb"
    cells = [
        nbformat.v4.new_markdown_cell("## 1.2 Planted", id="heading"),
        nbformat.v4.new_code_cell("", id="a"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return problems_of({"cells": [], "predictions": list(asked)}, path)


def test_what_only_the_whole_lecture_shows(tmp_path):
    same = [question(f"{count}?") for count in range(4)]
    assert told(*same, tmp_path=tmp_path) == ["the right choice always stands at place 2"]
    assert told(*same[1:], tmp_path=tmp_path) == []
    last = question("last?", truths=["1"])
    assert told(*same, last, tmp_path=tmp_path) == []
    flags = [question(f"{n}?", kind="true or false", truths=["True"]) for n in range(4)]
    assert told(*flags, tmp_path=tmp_path) == ["each of 4 questions true or false is True"]
    twice = question("same?"), question("same?", truths=["1"])
    assert told(*twice, tmp_path=tmp_path) == ["asked 2 times: same?"]
    late = told(question("?", late=["1"]), tmp_path=tmp_path)
    assert late == ["a: judged in another way after all cells ran: ['1']"]
    assert told(question("?", strange=["1"]), tmp_path=tmp_path) == [
        "a: neither right nor wrong: ['1']"
    ]


@pytest.mark.parametrize("name, lecture", [
    ("00_start_here", "0"), ("04_training_loop", "4"), ("practice_autograd_by_hand", "P"),
    ("appendix_static_graphs_in_tensorflow", "A"),
])  # fmt: skip
def test_a_notebooks_name_tells_its_lecture(name, lecture, tmp_path):
    assert lecture_of(tmp_path / f"{name}.ipynb") == lecture
