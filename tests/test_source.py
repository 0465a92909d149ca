"""Which statement of the caller's is running, as grad_history tells it."""

import _thread
import linecache
import subprocess
import sys
import threading
import time

import pytest
import torch
from sound import leaf

from lecture_helpers import grad_history
from lecture_helpers.source import running_statement


def sources(history):
    return [row.source for row in history.rows if row.kind == "backward"]


def test_a_call_over_several_lines_comes_on_one():
    w = leaf(2.0)
    with grad_history(w) as history:
        (
            (w * 3)  # the loss
            .sum()
            .backward()
        )
        torch.autograd.backward(
            [
                w * 2,
            ],
        )
        (w
         * 5).backward()  # fmt: skip
    assert sources(history) == [
        "(w * 3).sum().backward()", "torch.autograd.backward([w * 2])", "(w * 5).backward()"
    ]  # fmt: skip


def test_the_innermost_statement_is_told_without_its_comment():
    w = leaf(2.0)
    step = lambda: (w * 3).backward()  # noqa: E731
    steps = [lambda: step(), lambda: (w * 4).backward()]
    with grad_history(w) as history:
        for x in (1.0, 2.0): (w * x).backward()  # adds x  # noqa: E701  # fmt: skip
        "é"; w.grad = None; (w * 6).backward()  # noqa: B018, E702  # fmt: skip
        steps[0]()
        steps[1]()
        (w*8).backward()  # fmt: skip
        if (w * 7).backward() is None:
            pass
    assert sources(history) == [
        "(w * x).backward()", "(w * x).backward()", "(w * 6).backward()", "(w * 3).backward()",
        "(w * 4).backward()", "(w*8).backward()", "if (w * 7).backward() is None:",
    ]  # fmt: skip


def run_cell(cell, lines, name="<a cell>"):
    """Run a cell in a history; ``lines`` is what linecache, as IPython fills it, says of it."""
    w = leaf(2.0)
    if lines is not None:
        linecache.cache[name] = (len(cell), None, lines, name)
    try:
        with grad_history(w) as history:
            exec(compile(cell, name, "exec"), {"w": w, "__name__": "__main__"})
    finally:
        linecache.cache.pop(name, None)
    return sources(history)


@pytest.mark.parametrize("cell", ["w.backward()\n", "def run():\n    w.backward()\nrun()\n"])
def test_a_cell_of_a_notebook_is_found_where_ipython_puts_it(cell):
    assert run_cell(cell, cell.splitlines(keepends=True)) == ["w.backward()"]


@pytest.mark.parametrize("lines, source", [
    (["%time\n", "  w.backward()\n"], "w.backward()"),
    (["%time\n"], None),
    (["\n", "\n"], None),
    (None, None),
])  # fmt: skip
def test_a_source_that_does_not_parse_gives_its_line_and_a_missing_one_none(lines, source):
    assert run_cell("\nw.backward()\n", lines) == [source]


def test_where_there_is_no_source_the_row_has_its_number_only(root):
    program = """
import torch
from lecture_helpers import grad_history
w = torch.tensor(2.0, requires_grad=True)
with grad_history(w) as history:
    w.backward()
print(history.rows[1].source if "w.backward" in str(history) else str(history).splitlines()[2])
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert run.stderr == ""
    assert run.stdout.split() in (["w.backward()"], ["backward", "1", "None", "1.0", "1.0"])


def said_in_a_thread_of_torchs(thread):
    """Return what a thread says whose only statements are torch's, as in the engine's own."""
    said = []
    namespace = {"__name__": "torch.thread", "said": said, "look": running_statement}
    exec("def run(thread):\n    said.append(look(thread))", namespace)
    _thread.start_new_thread(namespace["run"], (thread,))
    for _ in range(1000):
        if said:
            break
        time.sleep(0.01)
    return said[0]


def test_a_thread_without_the_callers_statements_looks_at_the_one_that_waits():
    assert said_in_a_thread_of_torchs(threading.get_ident()) == "time.sleep(0.01)"
    assert said_in_a_thread_of_torchs(-1) is None
