"""The maintainers' commands."""

import subprocess
import sys

import course
import nbformat
import pytest
import stamp_links


def fresh():
    setup = nbformat.v4.new_code_cell("old", id=stamp_links.SETUP_ID)
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# T", id="title"), setup])


def test_stamping_with_an_address_adds_badge_and_source_and_is_repeatable():
    notebook = fresh()
    stamp_links.stamp(notebook, "00.ipynb", "https://github.com/some/where")
    once = nbformat.writes(notebook)
    stamp_links.stamp(notebook, "00.ipynb", "https://github.com/some/where")
    assert nbformat.writes(notebook) == once
    badge, _, setup = notebook.cells
    assert badge.id == stamp_links.BADGE_ID
    assert (
        "colab.research.google.com/github/some/where/blob/main/notebooks/00.ipynb" in badge.source
    )
    assert 'SOURCE = "git+https://github.com/some/where"' in setup.source


def test_stamping_without_an_address_removes_the_badge():
    notebook = fresh()
    stamp_links.stamp(notebook, "00.ipynb", "https://github.com/some/where")
    stamp_links.stamp(notebook, "00.ipynb", None)
    assert [cell.id for cell in notebook.cells] == ["title", stamp_links.SETUP_ID]


def test_stamping_a_notebook_without_a_set_up_cell_adds_it():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# T", id="title")])
    stamp_links.stamp(notebook, "90.ipynb", None)
    assert [cell.id for cell in notebook.cells] == ["title", stamp_links.SETUP_ID]


@pytest.mark.parametrize("given, address", [
    ("https://github.com/a/b.git", "https://github.com/a/b"),
    ("https://github.com/a/b/", "https://github.com/a/b"),
    ("https://github.com/OWNER/REPOSITORY", None),
])  # fmt: skip
def test_the_address_is_read(given, address, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(f'[project.urls]\nRepository = "{given}"\n')
    monkeypatch.setattr(stamp_links, "ROOT", tmp_path)
    assert stamp_links.public_address() == address


@pytest.mark.parametrize(
    "given", ["https://gitlab.com/a/b", "git@github.com:a/b", "github.com/a/b"]
)
def test_an_address_that_colab_cannot_open_is_refused(given, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(f'[project.urls]\nRepository = "{given}"\n')
    monkeypatch.setattr(stamp_links, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="Colab can open only GitHub's"):
        stamp_links.public_address()


def run_without_helpers(source, tmp_path):
    """Run a set-up cell where lecture_helpers cannot be imported; pip only records its call."""
    hide = (
        "import sys, subprocess\n"
        "sys.modules['lecture_helpers'] = None\n"
        "subprocess.run = lambda command, check: print('pip', command[4:])\n"
    )
    return subprocess.run(
        [sys.executable, "-c", hide + source], capture_output=True, text=True, cwd=tmp_path
    )


def test_the_set_up_cell_without_an_address_says_what_to_set(tmp_path):
    done = run_without_helpers(stamp_links.SETUP.format(source="", layout="1"), tmp_path)
    assert done.returncode == 1 and "set" in done.stderr
    assert "Repository address in pyproject.toml" in done.stderr.replace('"\n', "")


def test_the_set_up_cell_with_an_address_installs_only_two_packages(tmp_path):
    done = run_without_helpers(
        stamp_links.SETUP.format(source="git+https://x/y", layout="1.2.3"), tmp_path
    )
    assert (
        done.stdout.strip()
        == "pip ['--quiet', '--no-deps', 'fast-sugiyama==1.2.3', 'git+https://x/y']"
    )


def test_the_address_in_this_repository_is_read_from_one_place(root):
    address = stamp_links.public_address()
    holders = [
        path.name
        for path in [root / "README.md", *root.glob("*.yml"), *root.glob("notebooks/*.ipynb")]
        if stamp_links.PLACEHOLDER in path.read_text(encoding="utf-8")
    ]
    assert holders == []
    assert address is None or address.startswith("https://")


def test_course_explains_itself_and_refuses_an_unknown_task():
    for arguments in ([], ["opne"]):
        with pytest.raises(SystemExit, match="tools/course.py open"):
            course.main(arguments)


def test_course_refuses_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match="needs Python 3.11 or newer; this is Python 3.9"):
        course.main(["open"])


@pytest.fixture
def pretended(monkeypatch, tmp_path):
    """course.py on an empty folder of its own; the commands it runs are recorded."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text((course.ROOT / name).read_text(encoding="utf-8"))
    commands = []

    def run(command, **_):
        commands.append([str(part) for part in command])
        return Done

    def create(folder, **_):
        commands.append(["venv"])
        folder.mkdir(exist_ok=True)
        course.PYTHON.touch()

    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "FOLDER", tmp_path / ".venv")
    monkeypatch.setattr(course, "PYTHON", tmp_path / ".venv" / "python")
    monkeypatch.setattr(course.subprocess, "run", run)
    monkeypatch.setattr(course.venv, "create", create)
    return commands


def test_set_up_is_done_once_and_what_the_tests_need_is_enough_to_open(pretended):
    course.set_up("test")
    assert pretended[0] == ["venv"] and pretended[1][-3:] == [
        "--editable",
        ".[lab,test]",
        "--quiet",
    ]
    count = len(pretended)
    course.set_up("test")
    course.set_up("open")
    assert len(pretended) == count


def test_in_ci_the_tests_get_tensorflow_too(pretended, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    assert course.main(["test"]) == 0
    assert ".[lab,test]" in pretended[1] and pretended[2][1:3] == ["-m", "pytest"]
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(course, "is_usable", lambda python: True)
    count = len(pretended)
    assert course.main(["test"]) == 0 and course.main(["test"]) == 0
    extras, first, second = pretended[count:]
    assert ".[lab,test,tensorflow]" in extras and first == second and first[1:3] == ["-m", "pytest"]
    monkeypatch.delenv("CI")
    count = len(pretended)
    course.main(["open"])
    course.main(["test"])
    assert not any("pip" in command for command in pretended[count:])


def test_set_up_again_where_the_pins_the_place_or_the_python_changed(pretended, monkeypatch):
    course.set_up("open")
    before = course.digest()
    pins = course.ROOT / "constraints.txt"
    pins.write_text(pins.read_text() + "more==1\n")
    assert course.digest() != before
    assert not course.is_usable(
        course.PYTHON
    )  # the pretended Python says nothing, like a broken one
    count = len(pretended)
    course.set_up("open")
    assert ["venv"] in pretended[count:]


def test_an_interrupt_ends_quietly(pretended, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(course.venv, "create", interrupted)
    assert course.main(["open"]) == course.INTERRUPTED


def test_the_tests_see_neither_the_readers_text_switch_nor_answers(monkeypatch):
    seen = []
    monkeypatch.setenv("LECTURE_TEXT", "1")
    monkeypatch.setenv("LECTURE_PROGRESS", "a folder")
    monkeypatch.setattr(course.subprocess, "run", lambda _, **given: seen.append(given) or Done)
    course.check_course([])
    assert "PATH" in seen[0]["env"] and "LECTURE_TEXT" not in seen[0]["env"]
    assert seen[0]["env"]["LECTURE_PROGRESS"] == "off"


def test_course_open_keeps_loopback_and_token(monkeypatch):
    commands = []
    monkeypatch.setattr(
        course.subprocess, "run", lambda command, **_: commands.append(command) or Done
    )
    monkeypatch.setattr(course.os, "geteuid", lambda: 1000, raising=False)
    course.open_course(["--no-browser"])
    monkeypatch.setattr(course.os, "geteuid", lambda: 0, raising=False)
    course.open_course([])
    sign, as_user, _, as_root = ([str(part) for part in command] for command in commands)
    assert sign[1:3] == ["-m", "nbformat.sign"] and len(sign) > 3
    assert "--ip=127.0.0.1" in as_user and "--ip=127.0.0.1" in as_root
    assert "--allow-root" not in as_user and "--allow-root" in as_root
    assert not any("token" in part or "password" in part for part in as_user + as_root)
    assert as_user[-1] == "--no-browser"
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in as_user


@pytest.mark.parametrize("check", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_style(check, root):
    command = [sys.executable, "-m", "ruff", *check, "."]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr


class Done:
    returncode = 0
    stdout = ""
