"""The grader's part in the kernel, and the kernel's surroundings, without a kernel."""

import builtins
import io
import json
import math
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from lecture_helpers.exercises.checking import Verdict
from lecture_helpers.exercises.grading import judge
from lecture_helpers.exercises.grading.kernel import (
    ENDED,
    GIB,
    MARK,
    RAISED,
    RAN,
    TIMED_OUT,
    Kernel,
    Outcome,
    _environment,
    _outcome,
)

INNER = "lecture_helpers.inner"


@pytest.fixture
def judged(tmp_path):
    """Let a judge check an answer, with a check of the test's own; return what it wrote."""
    calls = []

    def ask(check, answer="answer", own=(), **names):
        it = judge._Judge("token", str(tmp_path), {"1.1 a": check}, dict(own), names)
        calls.append(it)
        it.judge(len(calls), "1.1 a", answer)
        return json.loads((tmp_path / f"{len(calls)}.json").read_text(encoding="ascii"))

    return ask


@pytest.mark.parametrize("passed, status", [
    (True, "solved"), (False, "wrong"), (None, "not answered"),
])  # fmt: skip
def test_a_verdict_is_written_with_the_token(judged, passed, status):
    told = judged(lambda given: Verdict(passed, f"given {given} é"), answer="a + 1", a=2)
    assert told == {"token": "token", "status": status, "message": "given 3 é"}


def test_an_answer_without_a_value_and_a_check_that_raises_are_errors(judged):
    told = judged(None, answer="missing")
    assert (told["status"], told["unbound"]) == ("error", True)
    assert told["message"] == "NameError: name 'missing' is not defined"
    told = judged(None, answer="1 / 0")
    assert (told["message"], told["unbound"]) == ("ZeroDivisionError: division by zero", False)

    def leave(given):
        raise SystemExit(3)

    told = judged(leave, answer="1")
    assert (told["status"], told["message"]) == ("error", "the check raised SystemExit: 3")


def test_a_long_message_is_cut(judged):
    assert len(judged(lambda given: Verdict(False, "x" * 10_000), "1")["message"]) == 2000


def test_a_check_finds_the_graders_modules_and_the_notebook_has_its_own_again(judged, monkeypatch):
    ours, theirs = ModuleType(INNER), ModuleType(INNER)
    monkeypatch.setitem(sys.modules, INNER, theirs)
    package = sys.modules["lecture_helpers"]
    seen = []

    def check(given):
        seen.append((sys.modules[INNER], sys.modules.get("lecture_helpers")))
        return Verdict(True, "")

    assert judged(check, "1", own={INNER: ours})["status"] == "solved"
    assert seen == [(ours, None)]
    assert sys.modules[INNER] is theirs and sys.modules["lecture_helpers"] is package


def test_replaced_functions_are_the_right_ones_during_a_check_alone(judged, tmp_path, monkeypatch):
    right = math.isclose, torch.autograd.grad, torch.Tensor.add, builtins.all, torch.sin
    it = judge._Judge("token", str(tmp_path), {}, {}, {})

    def now():
        sine = vars(torch).get("sin")
        return math.isclose, torch.autograd.grad, torch.Tensor.add, builtins.all, sine

    def check(given):
        seen.append(now())
        raise KeyboardInterrupt

    def wrong(*given, **more):
        return True

    seen, it._checks = [], {"1.1 a": check}
    for owner, name in [(math, "isclose"), (torch.autograd, "grad"), (torch.Tensor, "add"),
                        (builtins, "all")]:  # fmt: skip
        monkeypatch.setattr(owner, name, wrong)
    monkeypatch.delattr(torch, "sin")
    with pytest.raises(KeyboardInterrupt):  # an endless answer was interrupted
        it.judge(1, "1.1 a", "1")
    assert seen == [right] and now() == (wrong,) * 4 + (None,)
    assert not list(tmp_path.iterdir())


def test_what_is_printed_goes_nowhere_also_where_somebody_replaces_write(monkeypatch):
    nowhere, kept = judge._Nowhere(), []
    nowhere.write = kept.append
    monkeypatch.setattr(sys, "stdout", nowhere)
    print("a line")
    assert kept == [] and isinstance(nowhere, io.TextIOBase)
    nowhere.flush()


def test_only_a_verdict_with_the_token_counts():
    kernel = Kernel(GIB)
    path = Path(kernel._folder.name) / "1.json"
    for text in ("", "[]", "{}", '{"token": "guessed", "status": "solved"}'):
        path.write_text(text)
        assert kernel._told(path) is None
    path.write_text(json.dumps({"token": kernel._token, "status": "solved"}))
    assert kernel._told(path)["status"] == "solved"
    kernel.close()
    assert not path.parent.exists()


def test_the_environment_of_a_notebook(tmp_path, monkeypatch, root):
    monkeypatch.setenv("LECTURE_PROGRESS", "/elsewhere")
    monkeypatch.setenv("PYTHONPATH", "other")
    found = _environment(tmp_path)
    assert found["LECTURE_PROGRESS"] == "off" and found[MARK] == str(tmp_path)
    assert found["PYTHONPATH"] == f"{root}{os.pathsep}other" and found["PIP_NO_INDEX"] == "1"
    assert found["TMPDIR"] == found["TEMP"] == str(tmp_path / "temporary")
    assert found["IPYTHONDIR"] == str(tmp_path / "ipython") and found["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("reply, late, outcome", [
    ({"status": "ok"}, False, Outcome(RAN)),
    ({"status": "error", "ename": "E", "evalue": "said"}, False, Outcome(RAISED, "E: said")),
    ({"status": "ok"}, True, Outcome(TIMED_OUT, "took more than 2.5 s", late=True)),
    ({"status": "ok", "payload": [{"source": "ask_exit"}]}, False,
     Outcome(ENDED, "ended the kernel")),
])  # fmt: skip
def test_how_a_cell_ended(reply, late, outcome):
    assert _outcome(reply, late, 2.5) == outcome
