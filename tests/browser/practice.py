"""A notebook with every kind of prompt, an exercise and a summary, made for the tests."""

from pathlib import Path

import nbformat
from execute_notebooks import KERNELSPEC

SETUP = """
import torch
from lecture_helpers import predict, raised_by, reset_progress, show_progress
from lecture_helpers.exercises.checking import Case, check
from lecture_helpers.exercises.registry import exercise

@exercise("7.2 a", kind="compute")
def check_double(answer):
    return check(answer, [Case("x = 3", 3.0, 6.0), Case("x = -1", -1.0, -2.0)])

x = torch.tensor(3.0, requires_grad=True)
y = x * x
y.backward()
"""
LONG = "a long choice that needs more than the width of a page, " * 4
PROMPTS = {  # id -> the question's arguments, what is compared with it
    "number": (
        '"y = x * x at x = 3. What is x.grad?", section="7.1"',
        'x.grad, {9: "9 is y itself, not its slope.", 3: "3 is x itself."}',
    ),
    "choice": (
        '"Which class stands in y.grad_fn?", ["<AddBackward0>", "<MulBackward0>", "None", '
        f'"{LONG}"], section="7.1"',
        'f"<{type(y.grad_fn).__name__}>", {"<AddBackward0>": "x * x multiplies, it does not add."}',
    ),
    "several": (
        '"Which of them are leaves?", ["x", "y", "x < y", "y.detach()"], kind="several", '
        'section="7.1"',
        '[name for name in ("x", "y", "x < y", "y.detach()") if eval(name).is_leaf], '
        '{"x < y": "Nothing tracked made x < y, so it is a leaf."}',
    ),
    "none": (
        '"Which of them raise?", ["x + 1", "x - 1"], kind="several", section="7.1"',
        '[name for name in ("x + 1", "x - 1") if raised_by(eval, name, {"x": x})]',
    ),
    "order": (
        '"Order them by value.", ["x", "y", "x - y"], kind="order", section="7.2"',
        'sorted(["x", "y", "x - y"], key=lambda name: eval(name).item()), '
        '{"x": "x - y is negative."}',
    ),
    "truth": (
        '"x.grad is a tensor.", kind="true or false", section="7.2"',
        "isinstance(x.grad, torch.Tensor)",
    ),
    "raises": (
        '"What does y.backward() do now?", kind="raises", section="7.2"',
        'raised_by(y.backward), {"it runs": "The first backward has freed the graph."}',
    ),
}
CARD = """### Exercise 7.2 a: twice

<details><summary>Hint: it says expected -2.0</summary>Multiply by two.</details>"""


IDS = ["set-up", *(f"{prompt}{part}" for prompt in PROMPTS for part in ("", "-compare")),
       "card", "wrong-stub", "check", "right-stub", "summary"]  # fmt: skip


def practice_notebook(folder: Path) -> Path:
    """Write the notebook; a cell's id is its prompt's name, for the comparison with -compare."""
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    cells = [code(SETUP.strip(), id="set-up")]
    for prompt, (question, computed) in PROMPTS.items():
        cells.append(code(f"q_{prompt} = predict({question})\nq_{prompt}", id=prompt))
        cells.append(code(f"q_{prompt}.compare({computed})", id=f"{prompt}-compare"))
    cells.append(text(CARD, id="card"))
    cells.append(code("def double(x):\n    return x + 3", id="wrong-stub"))
    cells.append(code("check_double(double)", id="check"))
    cells.append(code("def double(x):\n    return 2 * x", id="right-stub"))
    cells.append(code('show_progress("7")', id="summary"))
    assert [cell.id for cell in cells] == IDS
    path = folder / "practice.ipynb"
    kernel = {"kernelspec": KERNELSPEC}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path
