"""Runs the code cells of the lectures in this process and compares what they show."""

import contextlib
import traceback
from pathlib import Path

import nbformat
from answers import solved
from execute_notebooks import WIDGET_VIEW, is_compared
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

NOT_COMPARED = {WIDGET_VIEW, "image/png", "image/jpeg"}  # as in the strict comparison of nbval
shown = []  # what the running cell has shown so far, in order


class Publisher(DisplayPublisher):
    def publish(self, data, *_, **__):
        shown.append(("display_data", data))


class Hook(DisplayHook):
    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        shown.append(("execute_result", format_dict))

    def finish_displayhook(self):
        pass


class Shell(InteractiveShell):
    """IPython as in a kernel, without history, colours or a terminal."""

    display_pub_class = Publisher
    displayhook_class = Hook

    def showtraceback(self, *_, **__):
        pass  # the result of the cell tells it

    def enable_gui(self, gui=None):
        pass


def run_lecture(path: Path, begin) -> list:
    """Run all code cells of a notebook from its own folder, in a namespace of its own.

    begin: told the name of each cell before it runs.

    Returns:
        A dict for each code cell: its ``id``, the number of outputs that were ``compared``,
        and what is ``wrong`` with it, None where nothing is.
    """
    config = Config()
    config.HistoryManager.enabled = False
    shell = Shell.instance(config=config, colors="nocolor")
    shell.reset(new_session=True)
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    with contextlib.chdir(path.parent):
        return [begin(f"{path.name} {cell.id}") or run_cell(shell, cell) for cell in cells]


def run_cell(shell, cell) -> dict:
    """Run one code cell and compare its outputs with those that are stored."""
    shown.clear()
    with (
        contextlib.redirect_stdout(Stream("stdout")),
        contextlib.redirect_stderr(Stream("stderr")),
    ):
        result = shell.run_cell(cell.source, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    fresh, stored = list(map(comparable, joined(shown))), list(map(stored_output, cell.outputs))
    wrong = None
    if error is not None:
        last = "".join(traceback.format_exception(error)[-6:])
        wrong = f"{type(error).__name__}: {error}\n{last}"
    elif is_compared(cell) and fresh != stored:
        wrong = difference(fresh, stored)
    return {"id": cell.id, "compared": len(stored) if is_compared(cell) else 0, "wrong": wrong}


def solve(root, begin) -> dict:
    """Return for each exercise whether its check passes the solution in the notebook."""
    import test_solutions

    found = {}
    for lecture, name in test_solutions.EXERCISES:
        begin(f"exercise {name}")
        verdict = lecture.CHECKS[name][0](solved(lecture, name, root))
        found[f"{name} of {lecture.NOTEBOOK}"] = verdict.passed
    return found


class Stream:
    """Stands for stdout or stderr, among what a cell shows."""

    encoding = "utf-8"

    def __init__(self, name):
        self.name = name

    def write(self, text):
        shown.append((self.name, text))

    def flush(self):
        pass

    def isatty(self):
        return False


def joined(outputs) -> list:
    """Join neighbouring pieces of one stream."""
    found = []
    for kind, content in outputs:
        if found and isinstance(content, str) and found[-1][0] == kind:
            content = found.pop()[1] + content
        found.append((kind, content))
    return found


def stored_output(output):
    """Return a stored output as ``joined`` gives fresh ones."""
    if output.output_type == "stream":
        return output.name, output.text
    return comparable((output.output_type, dict(output.get("data", {}))))


def comparable(output):
    kind, content = output
    if isinstance(content, dict):
        content = {mime: data for mime, data in content.items() if mime not in NOT_COMPARED}
    return kind, content


def difference(fresh, stored) -> str:
    """Return the first output that differs, fresh and stored."""
    pairs = [*zip(fresh, stored)]
    for new, old in pairs:
        if new != old:
            return f"fresh: {new}\nstored: {old}"
    rest = (fresh if len(fresh) > len(stored) else stored)[len(pairs) :]
    return f"{'fresh' if len(fresh) > len(stored) else 'stored'} only: {rest}"
