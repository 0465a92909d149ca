"""A notebook that needs an optional package: one sentence where it is missing, never its cells."""

import os
import subprocess
import sys

import nbformat
import pytest
from answers_in_tensorflow import NOTEBOOK
from execute_notebooks import main as execute_all
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from needs import NEEDED, lack_of
from runnable import skip_unless_runnable

from lecture_helpers.optional import EXTRAS, NotInstalledError, require


@pytest.fixture
def without_tensorflow(tmp_path_factory, monkeypatch, root):
    """Hide TensorFlow from this process and from every Python that it starts."""
    folder = tmp_path_factory.mktemp("without")
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['tensorflow'] = None\n")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(root)]))


def test_a_package_that_is_there_is_not_asked_for(monkeypatch):
    monkeypatch.setitem(EXTRAS, "json", "JSON")
    assert require("json") is None


def test_a_missing_package_stops_with_the_command_that_adds_it(without_tensorflow):
    with pytest.raises(NotInstalledError) as caught:
        require("tensorflow")
    assert caught.value.name == "tensorflow" and isinstance(caught.value, ModuleNotFoundError)
    assert str(caught.value) == (
        "TensorFlow is not installed here, so the cells below cannot run. To add it, run %pip "
        'install --quiet --constraint ../constraints.txt --editable "..[tensorflow]" in a new '
        "cell, then restart the kernel."
    )
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_only_the_courses_own_extras_can_be_required():
    with pytest.raises(ValueError, match="given 'jax'; the optional packages are tensorflow"):
        require("jax")


def test_each_notebook_that_imports_an_optional_package_is_known(root):
    importing = {}
    for path in (root / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for extra in EXTRAS:
                if cell.cell_type == "code" and f"import {extra}" in cell.source:
                    importing[path.name] = extra
    assert importing == NEEDED and set(NEEDED.values()) <= set(EXTRAS)


def test_without_it_the_notebook_stops_with_one_line_and_no_traceback(without_tensorflow, root):
    notebook = nbformat.read(root / "notebooks" / NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(notebook, kernel_name="python3", extra_arguments=["--log-level=ERROR"])
    with pytest.raises(CellExecutionError):
        client.execute(cwd=str(root / "notebooks"))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ran = [cell.id for cell in code if cell.execution_count]
    assert ran == ["set-up", "load"]
    (output,) = code[1].outputs
    assert output.output_type == "error" and output.ename == "NotInstalledError"
    (line,) = output.traceback
    assert line.startswith("TensorFlow is not installed here") and "\n" not in line


def test_without_it_executing_all_leaves_the_notebook_and_says_so(
    without_tensorflow, root, tmp_path, capsys
):
    copy = tmp_path / NOTEBOOK
    copy.write_bytes((root / "notebooks" / NOTEBOOK).read_bytes())
    before = copy.read_bytes()
    execute_all([str(copy)])
    assert copy.read_bytes() == before and list(tmp_path.iterdir()) == [copy]
    assert capsys.readouterr().out == f"left as it is: {lack_of(copy)}\n"
    assert "it needs the extra [tensorflow], which is not installed" in lack_of(copy)


def test_only_a_notebook_that_needs_it_lacks_it(without_tensorflow, notebook_path):
    assert (lack_of(notebook_path) is None) == (notebook_path.name not in NEEDED)


@pytest.mark.parametrize("ci, workers, outcome, code", [
    (None, "1", "1 skipped", 0), ("true", "0", "1 failed", 1),
])  # fmt: skip
def test_without_it_the_run_says_so_and_fails_in_ci(
    without_tensorflow, monkeypatch, root, ci, workers, outcome, code
):
    monkeypatch.delenv("CI", raising=False)
    if ci:
        monkeypatch.setenv("CI", ci)
    command = [sys.executable, "-m", "pytest", "-n", workers, f"notebooks/{NOTEBOOK}"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == code, done.stdout
    assert outcome in done.stdout and "passed" not in done.stdout
    assert f"{NOTEBOOK} cannot run here: it needs the extra [tensorflow]" in done.stdout


def test_it_can_be_imported_before_torch_too_and_neither_says_a_word(root):
    skip_unless_runnable(root / "notebooks" / NOTEBOOK)
    code = """
import os
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
import tensorflow, torch
tensorflow.config.set_visible_devices([], "GPU")
w, v = tensorflow.Variable(3.0), torch.tensor(3.0, requires_grad=True)
with tensorflow.GradientTape() as tape:
    y = w * w
(v * v).backward()
print(tape.gradient(y, w).numpy().item(), v.grad.item())
"""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("6.0 6.0\n", "")
