"""What is kept of a learner's answers: counted once, never lost, never in the way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lecture_helpers.progress import (
    EXERCISE,
    PREDICTION,
    Progress,
    Record,
    folder_for_progress,
    lecture_of,
    progress,
)

ASKED = PREDICTION, "2.1", "what?"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "answers"


def counts(kept, lecture="2"):
    """Return (asked, right, later, wrong, open) of each section."""
    return {
        one.section: (one.asked, one.right, one.later, one.wrong, one.open)
        for one in kept.standing(lecture)
    }


def lines_of(folder, lecture="2"):
    text = (folder / f"lecture-{lecture}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def test_the_first_judged_answer_counts_and_a_right_one_stays_right(folder):
    kept = Progress(folder)
    assert kept.meet(*ASKED) is None and counts(kept) == {"2.1": (1, 0, 0, 0, 1)}
    kept.note(*ASKED, None, "3")
    assert kept.meet(*ASKED) == Record(*ASKED, "3", judged=False)
    assert counts(kept) == {"2.1": (1, 0, 0, 0, 1)}
    kept.note(*ASKED, False, "3")
    assert kept.meet(*ASKED) == Record(*ASKED, "3", True, False, False, 1)
    assert counts(kept) == {"2.1": (1, 0, 0, 1, 0)}
    kept.note(*ASKED, None, "4")
    assert kept.meet(*ASKED) == Record(*ASKED, "4", False, False, False, 1)
    kept.note(*ASKED, True, "4")
    assert kept.meet(*ASKED) == Record(*ASKED, "4", True, False, True, 2)
    assert counts(kept) == {"2.1": (1, 0, 1, 0, 0)}
    kept.note(*ASKED, False, "5")
    assert counts(kept) == {"2.1": (1, 0, 1, 0, 0)}
    other = PREDICTION, "2.1", "and now?"
    kept.note(*other, None, "1")
    kept.note(*other, True, "1")
    kept.note(*other, False, "2")
    assert counts(kept) == {"2.1": (2, 1, 1, 0, 0)}


def test_an_answer_that_was_judged_stays_so_when_it_is_given_again(folder):
    kept = Progress(folder)
    kept.note(*ASKED, True, "3")
    kept.note(*ASKED, None, "3")
    assert kept.meet(*ASKED).judged and len(lines_of(folder)) == 1
    kept.note(*ASKED, None, "4")
    kept.note(*ASKED, None, "4")
    assert not kept.meet(*ASKED).judged and len(lines_of(folder)) == 2


def test_exercises_are_counted_by_number_and_stay_solved(folder):
    kept = Progress(folder)
    for number in ("2.1 c", "2.1 b", "2.1 a"):
        kept.meet(EXERCISE, "2.1", number)
    (one,) = kept.standing("2")
    assert (one.asked, one.exercises, one.solved) == (0, 3, 0)
    assert (one.failing, one.untried) == ((), ("2.1 a", "2.1 b", "2.1 c"))
    kept.note(EXERCISE, "2.1", "2.1 b", False)
    kept.note(EXERCISE, "2.1", "2.1 a", True)
    kept.note(EXERCISE, "2.1", "2.1 a", False)
    (one,) = kept.standing("2")
    assert (one.exercises, one.solved) == (3, 1)
    assert (one.failing, one.untried) == (("2.1 b",), ("2.1 c",))
    assert len(lines_of(folder)) == 2


def test_sections_stand_in_the_order_of_their_numbers():
    kept = Progress()
    for section in ("9.10", "9.2", "9.1", "10.1", "9.2b", "A.1"):
        kept.meet(PREDICTION, section, "?")
    assert list(counts(kept, "9")) == ["9.1", "9.2", "9.2b", "9.10"]
    assert list(counts(kept, "10")) == ["10.1"] and list(counts(kept, "A")) == ["A.1"]
    assert kept.standing("1") == []
    assert [lecture_of(section) for section in ("10.2", "P.1")] == ["10", "P"]


def test_a_new_kernel_finds_the_answers_and_other_lectures_stay_apart(folder):
    kept = Progress(folder)
    kept.note(*ASKED, False, ("a", "b"))
    kept.note(EXERCISE, "3.1", "3.1 a", True)
    later = Progress(folder)
    assert later.meet(*ASKED).answer == ("a", "b")
    assert counts(later) == {"2.1": (1, 0, 0, 1, 0)} and later.standing("3")[0].solved == 1
    later.forget("2")
    assert kept.meet(*ASKED) is None and counts(kept) == {"2.1": (1, 0, 0, 0, 1)}
    assert sorted(file.name for file in folder.iterdir()) == ["lecture-3.jsonl"]
    assert kept.place_of("2") == later.place_of("3") == folder


def test_two_kernels_lose_nothing_of_each_other(folder):
    one, other = Progress(folder), Progress(folder)
    for number in range(5):
        one.note(PREDICTION, "2.1", f"one {number}", True, "x")
        other.note(PREDICTION, "2.2", f"other {number}", False, "x")
    for kept in (one, other, Progress(folder)):
        assert counts(kept) == {"2.1": (5, 5, 0, 0, 0), "2.2": (5, 0, 0, 5, 0)}


def test_many_kernels_that_write_at_once_lose_nothing(folder, root):
    program = (
        "import sys; from lecture_helpers.progress import *\n"
        "kept = Progress(Path(sys.argv[1]))\n"
        "for n in range(60): kept.note(PREDICTION, '2.1', f'{sys.argv[2]} {n}', True, 'x' * 200)"
    )
    environment = os.environ | {"PYTHONPATH": str(root)}
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(folder), name], env=environment)
        for name in "ab"
    ]
    assert [process.wait(120) for process in running] == [0, 0]
    assert counts(Progress(folder)) == {"2.1": (120, 120, 0, 0, 0)}


DAMAGED = [
    b"", b"\n\n", b"\x00\xff\xfe", b"{", b"[]", b"null", b'"text"', b"3", b"{}", b"[" * 100_000,
    b'{"kind": "prediction", "section": "2.1", "name": "what?"}',
    b'{"kind": "prediction", "section": "2.1", "name": "what?", "answer": "3", "right": "yes"}',
    b'{"kind": "poll", "section": "2.1", "name": "what?", "answer": "3", "right": true}',
    b'{"kind": ["prediction"], "section": 2.1, "name": null, "answer": "3", "right": true}',
    b'{"kind": "prediction", "section": "3.1", "name": "what?", "answer": "3", "right": true}',
    b'{"kind": "prediction", "section": "2.1", "na',
    *(b'{"kind": "prediction", "section": "2.1", "name": "what?", "right": true, "answer": %s}' % a
      for a in (b"4", b"{}", b"[1]", b'["a", ["b"]]', b"[" * 900 + b"]" * 900)),
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_line_is_passed_over_and_stays_in_the_file(folder, damage):
    folder.mkdir()
    file = folder / "lecture-2.jsonl"
    file.write_bytes(damage)
    kept = Progress(folder)
    assert kept.meet(*ASKED) is None and counts(kept) == {"2.1": (1, 0, 0, 0, 1)}
    kept.note(*ASKED, True, "4")
    assert file.read_bytes().startswith(damage)
    assert counts(Progress(folder)) == counts(kept) == {"2.1": (1, 1, 0, 0, 0)}


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_answers_survive_among_any_bytes(tmp_path_factory, before, between):
    folder = tmp_path_factory.mktemp("answers")
    file = folder / "lecture-2.jsonl"
    file.write_bytes(before)
    Progress(folder).note(*ASKED, True, "4")
    with file.open("ab") as opened:
        opened.write(b"\n" + between)
    Progress(folder).note(PREDICTION, "2.2", "\ud800 \u2028 \n ?", False, "\x00")
    assert counts(Progress(folder)) == {"2.1": (1, 1, 0, 0, 0), "2.2": (1, 0, 0, 1, 0)}


def test_a_line_of_a_newer_version_is_read_as_far_as_it_is_known(folder):
    folder.mkdir()
    line = {"kind": "prediction", "section": "2.1", "name": "what?", "answer": "4", "right": True}
    (folder / "lecture-2.jsonl").write_text(json.dumps(line | {"seconds": 3}))
    assert Progress(folder).meet(*ASKED) == Record(*ASKED, "4", True, True, True, 1)


def spoil_by_a_file(folder):
    folder.write_text("in the way")


def spoil_by_a_folder(folder):
    (folder / "lecture-2.jsonl").mkdir(parents=True)


def spoil_by_a_loop(folder):
    folder.mkdir()
    (folder / "lecture-2.jsonl").symlink_to(folder / "lecture-2.jsonl")


def spoil_by_a_pipe(folder):
    folder.mkdir()
    os.mkfifo(folder / "lecture-2.jsonl")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("spoil", [
    spoil_by_a_file, spoil_by_a_folder, spoil_by_a_loop, spoil_by_a_pipe])  # fmt: skip
def test_where_nothing_can_be_written_memory_serves(folder, spoil):
    spoil(folder)
    kept = Progress(folder)
    kept.note(*ASKED, False, "3")
    kept.note(*ASKED, True, "4")
    assert counts(kept) == {"2.1": (1, 0, 1, 0, 0)} and kept.place_of("2") is None
    kept.forget("2")
    assert counts(kept) == {"2.1": (1, 0, 0, 0, 1)}
    kept.note(*ASKED, True, "4")
    assert counts(kept) == {"2.1": (1, 1, 0, 0, 0)}


def refuse(*_, **__):
    raise PermissionError("read-only")


def test_earlier_answers_are_read_where_none_can_be_added(folder, monkeypatch):
    Progress(folder).note(*ASKED, True, "4")
    monkeypatch.setattr("lecture_helpers.progress.open", refuse, raising=False)
    monkeypatch.setattr(Path, "unlink", refuse)
    kept = Progress(folder)
    kept.note(PREDICTION, "2.2", "then?", False, "5")
    assert counts(kept) == {"2.1": (1, 1, 0, 0, 0), "2.2": (1, 0, 0, 1, 0)}
    assert kept.place_of("2") is None
    kept.forget("2")
    assert counts(kept) == {"2.2": (1, 0, 0, 0, 1)}
    monkeypatch.setattr(Path, "read_text", refuse)
    assert Progress(folder).standing("2") == []


def test_a_file_that_cannot_be_deleted_is_not_read_again(folder, monkeypatch):
    kept = Progress(folder)
    kept.note(*ASKED, True, "4")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        kept.forget("2")
    assert kept.meet(*ASKED) is None and kept.place_of("2") is None
    kept.note(*ASKED, False, "5")
    assert counts(kept) == {"2.1": (1, 0, 0, 1, 0)} and len(lines_of(folder)) == 1
    kept.forget("2")
    assert not (folder / "lecture-2.jsonl").exists() and kept.place_of("2") == folder


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on files as Linux sets it")
def test_a_full_disk_costs_no_answer(folder, root):
    """A limit on the file's size cuts the second line in its middle."""
    program = (
        "import resource, signal, sys; from lecture_helpers.progress import *\n"
        "kept = Progress(Path(sys.argv[1]))\n"
        "kept.note(PREDICTION, '2.1', 'before', True, 'x')\n"
        "size = (kept.folder / 'lecture-2.jsonl').stat().st_size\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 30, resource.RLIM_INFINITY))\n"
        "for name in ('cut', 'refused'): kept.note(PREDICTION, '2.1', name, False, 'x')\n"
        "one = kept.standing('2')[0]; print(one.asked, one.right, one.wrong, kept.place_of('2'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "kept.note(PREDICTION, '2.1', 'after', True, 'x'); print(kept.standing('2')[0].right)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True,
                          text=True, env=os.environ | {"PYTHONPATH": str(root)})  # fmt: skip
    assert (done.stdout, done.stderr) == ("3 1 2 None\n2\n", "")
    assert counts(Progress(folder)) == {"2.1": (2, 2, 0, 0, 0)}
    assert [path.name for path in folder.iterdir()] == ["lecture-2.jsonl"]


class Watcher:
    def __init__(self, kept):
        self.told, self.kept = [], kept

    def on_progress(self, lecture, forgotten):
        self.told.append((lecture, forgotten, counts(self.kept, lecture)))


def test_watchers_are_told_after_each_change_while_they_live():
    kept = Progress()
    watcher = Watcher(kept)
    kept.watch(watcher)
    kept.meet(*ASKED)
    kept.note(*ASKED, True, "4")
    kept.note(*ASKED, None, "4")
    kept.forget("2")
    assert watcher.told == [
        ("2", False, {"2.1": (1, 1, 0, 0, 0)}), ("2", True, {"2.1": (1, 0, 0, 0, 1)})]  # fmt: skip
    told = watcher.told
    del watcher
    kept.note(*ASKED, True, "4")
    assert len(told) == 2


@pytest.mark.parametrize("named, folder", [
    ("off", None), (" OFF ", None), ("~/kept", Path.home() / "kept"),
    ("kept", Path("kept").absolute()), (os.path.abspath("kept"), Path("kept").absolute()),
])  # fmt: skip
def test_the_variable_names_the_folder(monkeypatch, named, folder):
    monkeypatch.setenv("LECTURE_PROGRESS", named)
    assert folder_for_progress() == folder


def test_without_the_variable_jupyter_says_where(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    for named in ("", " "):
        monkeypatch.setenv("LECTURE_PROGRESS", named)
        assert folder_for_progress() == tmp_path / "autograd_course"
    monkeypatch.delenv("LECTURE_PROGRESS")
    assert folder_for_progress() == tmp_path / "autograd_course"
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    assert folder_for_progress() is None


def test_without_a_home_folder_memory_serves(monkeypatch):
    def nowhere(*_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", nowhere)
    monkeypatch.setenv("LECTURE_PROGRESS", "~/kept")
    assert folder_for_progress() is None


def test_jupyter_is_asked_late_and_without_a_warning(root, tmp_path):
    program = (
        "import sys, warnings; warnings.simplefilter('error'); import lecture_helpers\n"
        "late = 'jupyter_core' not in sys.modules\n"
        "from lecture_helpers.progress import progress; print(late, progress().folder)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "LECTURE_PROGRESS"}
    environment |= {"PYTHONPATH": str(root), "JUPYTER_DATA_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True,
                          text=True)  # fmt: skip
    assert (done.stdout, done.stderr) == (f"True {tmp_path / 'autograd_course'}\n", "")
    assert list(tmp_path.iterdir()) == []


def test_the_tests_keep_nothing():
    assert os.environ["LECTURE_PROGRESS"] == "off" and progress().folder is None
