"""Every stored notebook keeps the rules, and the rules notice a breach."""

import re

import nbformat
import pytest
from execute_notebooks import execute, normalise
from notebook_rules import opted_out, problems
from question_rules import question_problems
from runnable import skip_unless_runnable

NAMED = r'under ("[^"]+"(?: and "[^"]+")*)'  # headings that a page sends its reader to
OPTED_OUT = 0  # cells whose output is not compared, each with its reason


def test_notebook_keeps_the_rules(notebook_path):
    assert problems(notebook_path) == [], "mend the cells, then run tools/execute_notebooks.py"


def test_executing_again_gives_the_same_bytes(notebook_path, tmp_path):
    skip_unless_runnable(notebook_path)
    copy = tmp_path / notebook_path.name
    copy.write_bytes(notebook_path.read_bytes())
    execute(copy)
    assert copy.read_bytes() == notebook_path.read_bytes()
    assert list(tmp_path.iterdir()) == [copy]


def test_cells_that_opt_out_are_counted_and_carry_a_reason(root):
    cells = [
        cell for path in sorted((root / "notebooks").glob("*.ipynb")) for cell in opted_out(path)
    ]
    assert len(cells) == OPTED_OUT
    assert all(reason for _, reason in cells)


def test_a_heading_that_a_page_sends_to_is_there(root):
    """Under "..." in the prose is the whole heading of some page, as it reads today."""
    prose = [
        cell.source
        for path in sorted((root / "notebooks").glob("*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    ]
    headings = {found for text in prose for found in re.findall(r"(?m)^#+ (.+)$", text)}
    lists = [found for text in prose for found in re.findall(NAMED, text)]
    named = [heading for found in lists for heading in re.findall('"([^"]+)"', found)]
    assert named and sorted(set(named) - headings) == []


def test_a_notebook_that_fails_is_left_as_it_was(tmp_path, root):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    path = tmp_path / "fails.ipynb"
    nbformat.write(notebook, path)
    before = path.read_bytes()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        execute(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def sound_notebook(root):
    """The first notebook as the tools leave it, whatever a student has saved into it."""
    notebook = nbformat.read(root / "notebooks" / "00_start_here.ipynb", as_version=4)
    normalise(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        cell.execution_count = count
    return notebook


def touch_linked(root, folder):
    """Make an empty file for each notebook, so that the links of one lead somewhere."""
    for path in (root / "notebooks").glob("*.ipynb"):
        (folder / path.name).touch()


def drop_count(cell):
    cell.execution_count = None


def add_stream(name, text):
    return lambda cell: cell.outputs.append(nbformat.v4.new_output("stream", name=name, text=text))


def add_view(cell):
    view = {"application/vnd.jupyter.widget-view+json": {}}
    cell.outputs.append(nbformat.v4.new_output("display_data", view))


def add_bitmap(mime):
    data = {mime: "iVBORw0KGgo=", "text/plain": "speed of a, b"}
    return lambda cell: cell.outputs.append(nbformat.v4.new_output("display_data", data))


def add_metadata(cell):
    cell.metadata["colab"] = {"base_uri": "x"}


def add_verdict(cell):
    cell.source += "\nother.compare(y)"


@pytest.mark.parametrize("plant, said", [
    (add_verdict, "a verdict whose input is not folded"),
    (drop_count, "execution count None, expected 2"),
    (add_stream("stderr", "warning"), "an output on stderr"),
    (add_stream("stdout", "<Node object at 0x7f12ab34cd56>"), "a memory address"),
    (add_stream("stdout", "see /home/me/notes"), "an absolute path"),
    (add_stream("stdout", "on 2026-01-02"), "a date"),
    (add_stream("stdout", "torch 2.13.0"), "a version number"),
    (add_stream("stdout", "tensor([1., 2.])"), "a bare tensor"),
    (add_stream("stdout", "device is cuda"), "a device"),
    (add_view, "a stored widget view"),
    (add_bitmap("image/png"), "a stored image/png"),
    (add_bitmap("image/jpeg"), "a stored image/jpeg"),
    (add_metadata, "cell metadata ['colab']"),
])  # fmt: skip
def test_a_planted_breach_is_found_and_names_the_cell(plant, said, root, tmp_path):
    notebook = sound_notebook(root)
    cell = [cell for cell in notebook.cells if cell.cell_type == "code"][1]
    plant(cell)
    path = tmp_path / "00_start_here.ipynb"
    touch_linked(root, tmp_path)
    nbformat.write(notebook, path)
    (found,) = problems(path)
    assert found.startswith(f"{cell.id}: ") and said in found


@pytest.mark.parametrize("source, said", [
    ("![](picture.png)", "an image without alt text"), ("[here](gone.ipynb)", "leads nowhere"),
    ('<img src="a.png">', "<img> tag"),
])  # fmt: skip
def test_planted_prose_is_found(source, said, root, tmp_path):
    notebook = sound_notebook(root)
    notebook.cells.append(nbformat.v4.new_markdown_cell(source, id="planted"))
    path = tmp_path / "00_start_here.ipynb"
    touch_linked(root, tmp_path)
    nbformat.write(notebook, path)
    assert any(found.startswith("planted: ") and said in found for found in problems(path))


def test_a_changed_set_up_cell_is_found(root, tmp_path):
    notebook = sound_notebook(root)
    next(cell for cell in notebook.cells if cell.id == "set-up").source += "\nprint()"
    path = tmp_path / "00_start_here.ipynb"
    touch_linked(root, tmp_path)
    nbformat.write(notebook, path)
    assert problems(path) == ["set-up or open-in-colab is not what tools/stamp_links.py stamps"]


SOUND = (
    'q = predict("How many?", ["1", "2"], section="1.2")',
    "y = sum([1, 1])",
    'q.compare(y, tempting={"1": "It adds."})',
)


@pytest.mark.parametrize("place, source, said", [
    (0, SOUND[0], None), (2, 'q.compare([y], tempting={"1": "No."})', None),
    (2, 'q.compare(f"{y}", tempting={"1": "No."})', None),
    (2, 'z = []\nz.append(y)\nq.compare(z, tempting={"1": "No."})', None),
    (2, 'z = 2\nz += y\nq.compare(z, tempting={"1": "No."})', None),
    (2, 'for z in (1, 2):\n    pass\nq.compare(z, tempting={"1": "No."})', None),
    (2, '(z := y)\nq.compare(z, tempting={"1": "No."})', None),
    (0, 'q = predict("How many?", ["1", "2"])', "predict without the section"),
    (0, 'q = predict("How many?", ["1", "2"], section=s)', "predict without the section"),
    (2, "q.compare(y)", "compare without tempting"),
    (2, "q.compare(y, tempting={})", "compare without tempting"),
    (2, 'q.compare(2, tempting={"1": "No."})', "compare is given a literal"),
    (2, 'q.compare(-2.0, tempting={"1": "No."})', "compare is given a literal"),
    (2, 'q.compare("2", tempting={"1": "No."})', "compare is given a literal"),
    (2, 'q.compare(["2"], tempting={"1": "No."})', "compare is given a literal"),
    (2, 'q.compare(f"2", tempting={"1": "No."})', "compare is given a literal"),
    (2, 'q.compare("1" "2" if 1 else "2", tempting={"1": "No."})', "compare is given a literal"),
    (2, 'q.compare(tempting={"1": "No."})', "compare is given a literal"),
    (2, 'z = 2\nq.compare(z, tempting={"1": "No."})', "z is a literal; compare needs"),
    (2, '(z := 2)\nq.compare(z, tempting={"1": "No."})', "z is a literal; compare needs"),
    (1, "# no code", "no cell runs between"),
    (1, 'q.compare(1 + y, tempting={"1": "No."})', "no cell runs between"),
])  # fmt: skip
def test_a_question_is_told_by_what_was_computed_after_it(place, source, said):
    sources = list(SOUND)
    sources[place] = source
    if source == "# no code":
        del sources[1]
    cells = [nbformat.v4.new_code_cell(one, id=f"c{count}") for count, one in enumerate(sources)]
    found = question_problems(cells)
    assert len(found) == (said is not None), found
    assert said is None or said in found[0]


def test_a_question_that_breaks_a_rule_is_among_the_notebooks_problems(root, tmp_path):
    notebook = sound_notebook(root)
    count = sum(cell.cell_type == "code" for cell in notebook.cells)
    for place, source in enumerate(SOUND):
        source = source.replace(', section="1.2"', "")
        cell = nbformat.v4.new_code_cell(source, id=f"planted-{place}")
        cell.execution_count = count + place + 1
        notebook.cells.append(cell)
    path = tmp_path / "00_start_here.ipynb"
    touch_linked(root, tmp_path)
    nbformat.write(notebook, path)
    said = "planted-0: predict without the section it stands in, such as section='2.2'"
    assert said in problems(path)
