"""The Colab-like leg decides rightly. The leg itself runs after the tests, in .ci/run."""

import json
import sys
from types import SimpleNamespace

import colab_leg
import nbformat
import pytest
from colab_rules import (
    INSTALLED,
    PLANTED,
    Cell,
    damage,
    name_of,
    other_pins,
    read_cells,
    setup_source,
    stated,
    surplus,
    unnoticed,
    with_newer_features,
)
from stamp_links import SETUP_ID, stamp_setup

BEFORE = ["numpy==2.1.3", "torch==2.13.0+cpu"]
ADDED = ["fast-sugiyama==0.5.3", "lecture-helpers @ file:///somewhere/a.whl#sha256=0"]
REASONS = list(PLANTED.values())
PASSED, FAILED = SimpleNamespace(returncode=0), SimpleNamespace(returncode=1, stdout="", stderr="")


def stamped(source="/a/wheel.whl"):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# T")])
    stamp_setup(notebook, source)
    notebook.cells.append(nbformat.v4.new_code_cell("1 + 1"))
    return notebook


@pytest.mark.parametrize("line, name", [
    ("jupyter_client==7.4.9", "jupyter-client"),
    ("Jinja2>=3", "jinja2"),
    ("ruamel.yaml", "ruamel-yaml"),
    ("lecture-helpers @ file:///a.whl", "lecture-helpers"),
])  # fmt: skip
def test_a_package_has_one_name_however_it_is_written(line, name):
    assert name_of(line) == name


def test_comments_and_empty_lines_state_no_package():
    assert stated("# why\n\ntorch\n# numpy==1\nnumpy==2.1.3\n") == ["torch", "numpy==2.1.3"]


def test_colabs_pins_win_over_the_constraints_and_a_bare_name_leaves_its_pin():
    constraints = "# all\nJupyter_Client==8.1\nnumpy==2.4\ntorch==2.13.0\n"
    assert other_pins(constraints, "# Colab's\njupyter-client==7.4.9\ntorch\n") == [
        "numpy==2.4",
        "torch==2.13.0",
    ]


def test_only_what_pip_would_install_besides_the_two_packages_is_surplus():
    def report(*packages):
        return {"install": [{"metadata": {"name": n, "version": v}} for n, v in packages]}

    two = [("lecture_helpers", "0.1.0"), ("fast-sugiyama", "0.5.3")]
    assert surplus(report(*two)) == []
    assert surplus(report(*two, ("ipywidgets", "8.1.9"))) == ["ipywidgets 8.1.9"]


@pytest.mark.parametrize("after, found", [
    ([*BEFORE, *ADDED], []),
    ([*ADDED, *BEFORE], []),
    ([*BEFORE, ADDED[0]], ["lecture-helpers was not installed"]),
    (["numpy==2.4", BEFORE[1], *ADDED], ["numpy==2.1.3 became numpy==2.4"]),
    ([BEFORE[0], *ADDED], ["torch==2.13.0+cpu became no torch"]),
    ([*BEFORE, *ADDED, "comm==0.2.3"], ["no comm became comm==0.2.3"]),
])  # fmt: skip
def test_every_change_besides_the_two_packages_is_damage(after, found):
    assert damage(BEFORE, after) == found


def test_the_set_up_cell_is_found_and_installs_the_wheel():
    source = setup_source(stamped("/some/lecture_helpers.whl"))
    assert 'SOURCE = "/some/lecture_helpers.whl"' in source and '"--no-deps"' in source
    with pytest.raises(ValueError, match="not enough values"):
        setup_source(nbformat.v4.new_notebook())


def test_the_planted_notebook_has_the_set_up_cell_and_one_cell_for_each_feature():
    planted = with_newer_features(stamped())
    nbformat.validate(planted)
    setup, *rest = planted.cells
    assert setup.source.startswith(setup_source(stamped()))
    assert [cell.source for cell in rest] == list(PLANTED)
    assert [cell.execution_count for cell in planted.cells] == [1, 2, 3]  # None: not compared
    assert all(cell.outputs == [] for cell in planted.cells)


def outcome(setup, *planted):
    failures = [setup, *planted]
    return [Cell("p.ipynb", f"Cell {i}", failure) for i, failure in enumerate(failures)]


@pytest.mark.parametrize("cells, missed", [
    (outcome(None, *REASONS), []),
    (outcome(None, None, REASONS[1]), [list(PLANTED)[0]]),
    (outcome(None, REASONS[0], None), [list(PLANTED)[1]]),
    (outcome(None, "Input: ipywidgets.TagsInput(): NameError", REASONS[1]), [list(PLANTED)[0]]),
    (outcome("ImportError", *REASONS), list(PLANTED)),
])  # fmt: skip
def test_a_planted_feature_is_noticed_only_for_the_right_reason(cells, missed):
    assert unnoticed(cells) == missed


def test_the_report_of_a_real_comparison_is_read(tmp_path):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in ("1", "raise KeyError('k')")]
    for count, cell in enumerate(notebook.cells, start=1):
        cell.execution_count = count
    notebook.cells[0].outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": "1"}, execution_count=1)
    ]
    path, report = tmp_path / "a.ipynb", tmp_path / "cells.xml"
    nbformat.write(notebook, path)
    command = [*colab_leg.comparison(sys.executable, [path]), f"--junitxml={report}"]
    assert colab_leg.run(command, tmp_path).returncode == 1
    one, two = read_cells(report.read_text(encoding="utf-8"))
    assert one == ("a.ipynb", "Cell 0", None)
    assert two[:2] == ("a.ipynb", "Cell 1") and "KeyError" in two.failure


def test_an_error_in_the_report_counts_as_a_failure():
    (cell,) = read_cells('<testsuite><testcase name="x"><error>gone</error></testcase></testsuite>')
    assert cell.failure == "gone"


def test_nothing_of_this_environment_reaches_into_the_leg(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("LECTURE_TEXT", "1")
    monkeypatch.setenv("LECTURE_PROGRESS", str(tmp_path))
    names = "'PYTHONPATH', 'LECTURE_TEXT', 'LECTURE_PROGRESS', 'MORE'"
    ask = f"import os; print([os.environ.get(n) for n in ({names})], os.getcwd())"
    told = colab_leg.in_colab([sys.executable, "-c", ask], tmp_path, "why", MORE="yes")
    assert told.split("] ")[0] == "[None, None, 'off', 'yes'"
    assert told.strip().endswith(tmp_path.name)


def test_a_failed_command_ends_the_leg_with_its_output_and_the_reason(tmp_path):
    with pytest.raises(SystemExit) as ended:
        command = [sys.executable, "-c", "print('some output'); raise OSError('some error')"]
        colab_leg.in_colab(command, tmp_path, "the step broke.")
    assert "some output" in ended.value.code and "some error" in ended.value.code
    assert ended.value.code.endswith("The Colab-like leg failed: the step broke.")


def test_bounds_beyond_colabs_versions_end_the_leg(tmp_path, monkeypatch):
    def pip(folder, why, *arguments):
        assert (
            arguments[-1] == "a.whl" and "--dry-run" in arguments and "--no-deps" not in arguments
        )
        package = {"metadata": {"name": "ipywidgets", "version": "8.1.9"}}
        (folder / "dry-run.json").write_text(json.dumps({"install": [package]}))

    monkeypatch.setattr(colab_leg, "pip", pip)
    with pytest.raises(SystemExit, match="pyproject.toml. pip would also install ipywidgets 8.1.9"):
        colab_leg.check_bounds(tmp_path, "a.whl")


@pytest.fixture
def installing(monkeypatch, tmp_path):
    """The set-up cell's step without an environment: what the test gives decides."""
    given = SimpleNamespace(there=1, freezes=[BEFORE, [*BEFORE, *ADDED]], ran=[])
    given.place = str(tmp_path / "environment" / "lecture_helpers" / "__init__.py")
    monkeypatch.setattr(colab_leg, "FOLDER", tmp_path / "environment")
    monkeypatch.setattr(colab_leg, "run", lambda *_: SimpleNamespace(returncode=given.there))
    monkeypatch.setattr(colab_leg, "freeze", lambda _: given.freezes.pop(0))

    def in_colab(command, *_):
        given.ran.append(command[-1])
        return given.place

    monkeypatch.setattr(colab_leg, "in_colab", in_colab)
    return given


def test_the_set_up_cells_own_code_is_run(installing, tmp_path):
    after = colab_leg.install_by_setup_cell(stamped(), tmp_path)
    assert after == [*BEFORE, *ADDED]
    assert installing.ran[0] == setup_source(stamped())


@pytest.mark.parametrize("change, words", [
    ({"there": 0}, "is there before it is installed"),
    ({"freezes": [BEFORE, BEFORE]}, "fast-sugiyama was not installed; lecture-helpers was not"),
    ({"place": "/checkout/lecture_helpers/__init__.py"}, "imported from /checkout"),
])  # fmt: skip
def test_an_install_that_proves_nothing_ends_the_leg(installing, tmp_path, change, words):
    vars(installing).update(change)
    with pytest.raises(SystemExit, match=words):
        colab_leg.install_by_setup_cell(stamped(), tmp_path)


@pytest.mark.parametrize("done, cells, words", [
    (FAILED, [Cell("a.ipynb", "Cell 1", "E")], "raise or differ: a.ipynb Cell 1"),
    (FAILED, [], "raise or differ: see above"),
    (PASSED, [Cell("a.ipynb", "Cell 0", None)], "a.ipynb: 1 of 2 cells ran"),
])  # fmt: skip
def test_a_failing_or_missing_cell_ends_the_leg(done, cells, words, tmp_path, monkeypatch):
    nbformat.write(stamped(), tmp_path / "a.ipynb")
    monkeypatch.setattr(colab_leg, "compare", lambda *_: (done, cells))
    with pytest.raises(SystemExit, match=words):
        colab_leg.check_notebooks([tmp_path / "a.ipynb"], tmp_path)


def test_the_cells_that_ran_and_were_compared_are_told(tmp_path, monkeypatch, capsys):
    notebook = stamped()
    notebook.cells[-1].metadata["tags"] = ["nbval-ignore-output"]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    cells = [Cell("a.ipynb", f"Cell {number}", None) for number in range(2)]
    monkeypatch.setattr(colab_leg, "compare", lambda *_: (PASSED, cells))
    colab_leg.check_notebooks([tmp_path / "a.ipynb"], tmp_path)
    assert capsys.readouterr().out == "  a.ipynb: 2 cells ran, 1 compared\n"


@pytest.mark.parametrize("cells", [[], outcome(None, None, REASONS[1])], ids=["none", "passed"])
def test_a_leg_that_does_not_notice_a_newer_feature_fails(cells, tmp_path, monkeypatch):
    monkeypatch.setattr(colab_leg, "compare", lambda *_: (FAILED, cells))
    with pytest.raises(SystemExit, match="did not notice a planted newer feature: newer = ipyw"):
        colab_leg.check_itself(stamped(), tmp_path)


def test_a_copied_notebook_installs_from_the_wheel_and_is_else_the_same(root, tmp_path, capsys):
    wheel = tmp_path / "a.whl"
    copies = colab_leg.copy_notebooks(tmp_path, wheel)
    every = sorted(path.name for path in root.glob("notebooks/*.ipynb"))
    appendix = "appendix_static_graphs_in_tensorflow.ipynb"
    assert [path.name for path in copies] == [name for name in every if name != appendix]
    said = f"  {appendix}: left out, this leg does not install tensorflow\n"
    assert capsys.readouterr().out == said
    copied = nbformat.read(copies[0], as_version=4)
    stored = nbformat.read(root / "notebooks" / copies[0].name, as_version=4)
    assert f'SOURCE = "{wheel.as_posix()}"' in setup_source(copied)
    for one, other in zip(copied.cells, stored.cells, strict=True):
        assert one == other or one.id == SETUP_ID


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """set_up on an empty folder of its own; ``made`` counts what was built anew."""
    state = SimpleNamespace(made=0, packages=BEFORE)

    def make_environment(folder):
        state.made += 1
        folder.mkdir(exist_ok=True)

    def pip(folder, why, *arguments):
        if arguments[0] == "uninstall":
            assert arguments[2:] == INSTALLED
        return "\n".join(state.packages)

    for name, path in (("FOLDER", "venv"), ("MARKER", "venv/installed"), ("REQUIREMENTS", "r.txt")):
        monkeypatch.setattr(colab_leg, name, tmp_path / path)
    (tmp_path / "r.txt").write_text("numpy==2.1.3\n")
    monkeypatch.setattr(colab_leg, "pip", pip)
    monkeypatch.setattr(colab_leg.course, "make_environment", make_environment)
    monkeypatch.setattr(colab_leg.course, "is_usable", lambda _: True)
    return state


def test_the_environment_is_made_once(environment, tmp_path, capsys):
    colab_leg.set_up(tmp_path)
    assert "numpy==" not in (tmp_path / "pins.txt").read_text()
    assert "torch==2.13.0" in (tmp_path / "pins.txt").read_text()
    colab_leg.set_up(tmp_path)
    assert environment.made == 1


def test_the_environment_is_made_again_where_pins_or_packages_changed(environment, tmp_path):
    colab_leg.set_up(tmp_path)
    (tmp_path / "r.txt").write_text("numpy==2.1.2\n")
    colab_leg.set_up(tmp_path)
    assert environment.made == 2
    environment.packages = [*BEFORE, "comm==0.2.3"]
    colab_leg.set_up(tmp_path)
    assert environment.made == 3
    colab_leg.MARKER.unlink()
    colab_leg.set_up(tmp_path)
    assert environment.made == 4
