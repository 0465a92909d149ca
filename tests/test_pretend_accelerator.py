"""Programs, helpers and lectures on a pretend accelerator, beside the CPU and what is stored.

Each device has a process of its own, ``tests/pretend/run.py``. Where there is a GPU the same
runs on CUDA. What a pretend device cannot prove stands in the README under "Devices".
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
import torch
from execute_notebooks import is_compared
from needs import NEEDED

import lecture_helpers

ROOT = Path(__file__).resolve().parent.parent
LECTURES = sorted(path for path in (ROOT / "notebooks").glob("*.ipynb") if path.name not in NEEDED)
SECONDS = 600  # many times what it takes
# Code cells that the pretend device cannot run, (notebook, cell id), each with its reason. One
# that it can run must not stand here.
CANNOT_RUN = {}
ON_CUDA = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]


class Ran(NamedTuple):
    """What one process left.

    report: what it wrote at its end, None where it broke off.
    begun: what it began last.
    """

    device: str
    returncode: int
    printed: str
    begun: str
    report: dict | None


def start(device, folder, lectures):
    command = [sys.executable, ROOT / "tests" / "pretend" / "run.py", folder / device, *lectures]
    variables = os.environ | {"LECTURE_DEVICE": device, "IPYTHONDIR": str(folder / "ipython")}
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, env=variables, text=True, **both)


def ended(device, folder, process) -> Ran:
    printed, _ = process.communicate(timeout=SECONDS)
    report, begun = folder / device, folder / f"{device}.begun"
    read = json.loads(report.read_text(encoding="utf-8")) if report.exists() else None
    told = begun.read_text(encoding="utf-8") if begun.exists() else "nothing"
    return Ran(device, process.returncode, printed, told, read)


@pytest.fixture(scope="module", params=["pretend", pytest.param("cuda", marks=ON_CUDA)])
def reports(request, tmp_path_factory):
    """The report of a device and, for comparison, that of the CPU, made at the same time."""
    folder = tmp_path_factory.mktemp("devices")
    lectures = {request.param: [*LECTURES, planted(folder)], "cpu": []}
    with ExitStack() as stack:
        started = {}
        for device, paths in lectures.items():
            started[device] = stack.enter_context(start(device, folder, paths))
            stack.callback(started[device].kill)
        ran = [ended(device, folder, process) for device, process in started.items()]
    if request.param == "pretend" and ran[0].begun == "the device" and not is_pinned():
        pytest.skip(f"torch {torch.__version__} makes no such device: {ran[0].printed[-300:]}")
    for one in ran:
        assert one.report is not None, (one.device, one.returncode, one.begun, one.printed[-3000:])
    return ran[0].report, ran[1].report


def planted(folder) -> Path:
    """Write a notebook of which only the first cell shows what is stored; return its path."""
    new = nbformat.v4
    stored = {
        "right": ("print(2)\n2 + 1", [stream("2\n"), result("3")]),
        "wrong-number": ("2 + 1", [result("4")]),
        "wrong-stream": ("print(2)", [stream("3\n")]),
        "one-missing": ("2 + 1", [stream("2\n"), result("3")]),
        "one-more": ("print(2)\n2 + 1", [stream("2\n")]),
        "on-stderr": ("import sys\nprint(2, file=sys.stderr)", []),
        "raises": ("1 / 0", []),
        "no-python": ("1 +", []),
    }
    cells = [new.new_code_cell(source, id=name, outputs=outputs)
             for name, (source, outputs) in stored.items()]  # fmt: skip
    path = folder / "planted.ipynb"
    nbformat.write(new.new_notebook(cells=cells), path)
    return path


def stream(text):
    return nbformat.v4.new_output("stream", text=text)


def result(text):
    return nbformat.v4.new_output("execute_result", {"text/plain": text}, execution_count=1)


def is_pinned() -> bool:
    """Return whether this torch is the one whose private functions the device is made of."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    return f"torch=={torch.__version__.partition('+')[0]}" in pins


def differing(one, other) -> dict:
    """Return what differs between two dicts, from both."""
    return {name: (one.get(name), other.get(name)) for name in one.keys() | other.keys()
            if one.get(name) != other.get(name)}  # fmt: skip


def test_the_device_is_torchs_accelerator_and_the_courses(reports):
    report, cpu = reports
    assert report["device"] == f"{report['accelerator']}:0" and cpu["device"] == "cpu"
    assert report["accelerator"] in ("pretend", "cuda")


def test_values_and_gradients_are_those_of_the_cpu(reports):
    report, cpu = ({name: (ran["values"], ran["grads"]) for name, ran in one["programs"].items()}
                   for one in reports)  # fmt: skip
    assert differing(report, cpu) == {}
    assert all(values for values, _ in report.values()) and len(report) > 10
    assert cpu["diamond"] == ({"x": 2.0, "u": 6.0, "loss": 252.0}, {"x": 360.0})


def test_tensors_and_nodes_report_the_device_and_backward_has_a_thread_of_its_own(reports):
    for report in reports:
        for name, ran in report["programs"].items():
            assert ran["where"] == [report["device"]], name
            assert ran["own thread"] in (None, report["device"] != "cpu"), name
        threads = [ran["own thread"] for ran in report["programs"].values()]
        assert sum(thread is not None for thread in threads) > 5


def test_mixing_devices_raises_but_for_a_number(reports):
    report, cpu = reports
    numbers = report["refused"].pop("a number")
    assert numbers == cpu["refused"].pop("a number") == [3.0, 6.0]
    errors = dict.fromkeys(cpu["refused"], "RuntimeError") | {"an array": "TypeError"}
    assert report["refused"] == errors and len(errors) > 5
    assert set(cpu["refused"].values()) == {None}


def test_every_helper_gives_the_same_on_the_device_and_on_the_cpu(reports):
    report, cpu = (one["helpers"]["given"] for one in reports)
    assert differing(report, cpu) == {}
    assert cpu["the_random_numbers_of_the_device_are_put_back"][0] is True


def test_every_public_helper_is_used_on_the_device(reports):
    """A new helper needs a use in tests/pretend/uses.py."""
    for report in reports:
        assert set(lecture_helpers.__all__) - set(report["helpers"]["used"]) == set()


def test_the_device_is_waited_for_and_its_peak_is_read(reports):
    report, cpu = reports
    assert set(cpu["helpers"]["peaks"].values()) == {None}
    peaks = report["helpers"]["peaks"]
    assert len(peaks) == 3 and all(type(peak) is int and peak > 0 for peak in peaks.values())
    assert all(report["calls"].values())
    if report["accelerator"] == "pretend":  # CUDA's allocator rounds up
        assert len(report["calls"]) == 3 and peaks["three times 4,000 bytes"] == 12_000


@pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)
def test_each_cell_of_a_lecture_shows_what_is_stored(path, reports):
    report, _ = reports
    ran = report["lectures"][path.name]
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    wrong = {(path.name, cell["id"]): cell["wrong"] for cell in ran if cell["wrong"]}
    listed = CANNOT_RUN if report["accelerator"] == "pretend" else {}
    listed = {place: reason for place, reason in listed.items() if place[0] == path.name}
    assert {place: wrong[place] for place in wrong if place not in listed} == {}
    assert set(listed) == set(wrong), "a cell that can run is said to be one that cannot"
    assert [cell["id"] for cell in ran] == [cell.id for cell in cells]
    stored = sum(len(cell.outputs) for cell in cells if is_compared(cell))
    assert sum(cell["compared"] for cell in ran) == stored > 0


def test_a_cell_that_does_not_show_what_is_stored_is_found(reports):
    right, *others = reports[0]["lectures"]["planted.ipynb"]
    assert (right["wrong"], right["compared"]) == (None, 2)
    assert len(others) == 7 and all(cell["wrong"] for cell in others)


def test_each_exercise_passes_its_solution(reports):
    report, _ = reports
    assert len(report["exercises"]) > 5
    assert set(report["exercises"].values()) == {True}, report["exercises"]


def test_what_cannot_run_is_a_cell_of_a_lecture():
    cells = {(path.name, cell.id) for path in LECTURES
             for cell in nbformat.read(path, as_version=4).cells}  # fmt: skip
    assert set(CANNOT_RUN) <= cells and all(CANNOT_RUN.values())
