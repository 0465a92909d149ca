"""The strict comparison really fails: on a wrong stored number and on a broken helper."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from colab_leg import comparison
from execute_notebooks import execute, normalise


def check(path, **environment):
    """Run the strict comparison on one notebook, as the test command does, and return it."""
    return subprocess.run(
        comparison(sys.executable, [path]),
        capture_output=True,
        text=True,
        cwd=path.parent,
        env={**os.environ, **environment},
    )


def copy(root, folder):
    return Path(shutil.copy(root / "notebooks" / "00_start_here.ipynb", folder))


def cell_number(notebook, cell_id):
    """The number by which nbval names a code cell."""
    code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    return code.index(cell_id)


def test_an_unchanged_copy_passes(root, tmp_path):
    done = check(copy(root, tmp_path))
    assert done.returncode == 0, done.stdout


def test_a_changed_stored_number_fails_and_names_the_cell(root, tmp_path):
    path = copy(root, tmp_path)
    notebook = nbformat.read(path, as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.id == "first-graph"]
    assert "y = 12.0" in cell.outputs[0].text
    cell.outputs[0].text = cell.outputs[0].text.replace("12.0", "12.5")
    nbformat.write(notebook, path)
    done = check(path)
    number = cell_number(notebook, "first-graph")
    assert done.returncode == 1
    assert f"00_start_here.ipynb::Cell {number}" in done.stdout.replace("ipynb.ipynb", "ipynb")
    assert "1 failed" in done.stdout and "12.5" in done.stdout


def test_a_changed_stored_picture_fails(root, tmp_path):
    path = copy(root, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert ">PowBackward0</text>" in text
    path.write_text(text.replace(">PowBackward0</text>", ">PowBackward1</text>"), encoding="utf-8")
    done = check(path)
    assert done.returncode == 1 and "1 failed" in done.stdout


def test_a_broken_helper_fails(root, tmp_path):
    (tmp_path / "notebooks").mkdir()
    path = copy(root, tmp_path / "notebooks")
    package = shutil.copytree(root / "lecture_helpers", tmp_path / "lecture_helpers")
    module = package / "draw" / "words.py"
    source = module.read_text(encoding="utf-8")
    assert 'return "scalar"' not in source and 'else "scalar"' in source
    module.write_text(source.replace('else "scalar"', 'else "number"'), encoding="utf-8")
    done = check(path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "failed" in done.stdout


def test_a_timing_passes_twice_and_keeps_its_bytes_though_no_two_runs_are_alike(tmp_path):
    source = """\
from lecture_helpers import compare_speed

compare_speed({"one": int, "other": float}, seconds=0.05)"""
    cell = nbformat.v4.new_code_cell(source, id="timing")
    path = tmp_path / "timed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    execute(path)
    once = path.read_bytes()
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert list(output.data) == ["text/plain"] and not output.metadata
    assert output.data["text/plain"].startswith("speed of one, other, measured in turns")
    execute(path)
    assert path.read_bytes() == once
    for _ in range(2):
        done = check(path)
        assert done.returncode == 0, done.stdout
    path.write_bytes(once.replace(b"speed of one", b"speed of two"))
    assert check(path).returncode == 1


@pytest.mark.parametrize("beside", [{"text/plain": "speed of a, b"}, {}])
def test_a_chart_is_stored_only_where_no_words_stand_beside_it(beside):
    data = {"image/png": "iVBORw0KGgo=", **beside}
    output = nbformat.v4.new_output("display_data", data, metadata={"image/png": {"width": 9}})
    cell = nbformat.v4.new_code_cell("", outputs=[output])
    normalise(nbformat.v4.new_notebook(cells=[cell]))
    assert cell.outputs[0].data == (beside or data) and cell.outputs[0].metadata == {}
