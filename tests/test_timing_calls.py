"""What compare_speed does to the functions it is given, and what it leaves behind."""

import gc
import math
import subprocess
import sys
import threading
import weakref
from types import SimpleNamespace

import pytest
import torch

from lecture_helpers import compare_speed


def test_a_real_measurement_sees_a_wait_of_milliseconds():
    pause = threading.Event()
    timing = compare_speed({"nothing": int, "wait": lambda: pause.wait(0.005)}, seconds=0.5)
    assert [row.name for row in timing.rows] == ["nothing", "wait"]
    assert timing.rows[0].calls > timing.rows[1].calls == 1
    assert timing.ratios[0].median > 10
    assert timing.seconds == 0.5 and timing.num_threads == 1


def test_threads_and_garbage_collector_are_as_benchmark_sets_them_and_as_before_afterwards():
    seen = set()

    def function():
        seen.add((torch.get_num_threads(), gc.isenabled()))

    before = torch.get_num_threads()
    functions = {"a": function, "b": function}
    compare_speed(functions, seconds=0.01, num_threads=3, device="cpu")  # no call for a peak
    assert seen == {(3, False)}
    assert torch.get_num_threads() == before and gc.isenabled()


def test_results_and_functions_are_dropped():
    made = []

    def function():
        x = torch.ones(3, requires_grad=True)
        out = (x * x).sum()
        made.append(weakref.ref(out))
        del made[:-2]
        return out

    timing = compare_speed({"a": function, "b": function}, seconds=0.01)
    assert [ref() for ref in made] == [None, None]
    held = weakref.ref(function)
    del function
    assert held() is None and timing.rows


def test_grads_are_those_of_the_functions_own_backward():
    w, calls = torch.tensor(1.0, requires_grad=True), []

    def step():
        calls.append(None)
        (2 * w).backward()

    compare_speed({"step": step, "nothing": int}, seconds=0.01)
    assert w.grad.item() == 2 * len(calls)


@pytest.mark.parametrize("call", [1, 40])
def test_a_function_that_raises_is_named(call):
    calls = []

    def breaks():
        calls.append(None)
        if len(calls) == call:
            raise ValueError("the shapes differ")

    said = (
        "compare_speed called 'second', which raised ValueError: the shapes differ; each function "
        "must run on its own, again and again"
    )
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError) as caught:
        compare_speed({"first": int, "second": breaks}, seconds=0.05, num_threads=3)
    assert str(caught.value) == said and isinstance(caught.value.__cause__, ValueError)
    assert torch.get_num_threads() == before and gc.isenabled()


def test_an_interrupt_passes():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_speed({"a": interrupted, "b": int}, seconds=0.01)


async def later():
    pass


def parts():
    yield


def test_what_torch_says_at_the_first_use_stays_off_stderr():
    """A CUDA build where there is a toolkit and no GPU says "No CUDA runtime is found"."""
    program = """if True:
        import sys
        from lecture_helpers import compare_speed

        class Loud:
            def find_spec(self, name, path, target=None):
                if name == "torch.utils.benchmark":
                    print("asked for")
                    print("No CUDA runtime is found", file=sys.stderr)

        sys.meta_path.insert(0, Loud())
        compare_speed({"a": int, "b": int}, seconds=0.01)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "asked for\n", "")


@pytest.mark.parametrize("functions, options, error, said", [
    ([int, int], {}, TypeError, "list; pass a dict of functions"),
    ({"a": int}, {}, ValueError, "1 function; pass two to 8"),
    ({}, {}, ValueError, "0 functions; pass two to 8"),
    ({str(n): int for n in range(9)}, {}, ValueError, "9 functions; pass two to 8"),
    ({"a": int, 3: int}, {}, TypeError, "3 as a name; pass text"),
    ({"a": int, " ": int}, {}, TypeError, "' ' as a name; pass text"),
    ({"a": int, "b": 5}, {}, TypeError, "int as 'b'; pass a function without arguments"),
    ({"a": int, "b": lambda x: x}, {}, TypeError, "as 'b' that wants arguments .*the clock has"),
    ({"a": int, "b": later}, {}, TypeError, "an async function as 'b'"),
    ({"a": int, "b": parts}, {}, TypeError, "a generator function as 'b'"),
    ({"a": int, "b": int}, {"device": "gpu"}, ValueError, "device='gpu'; pass a torch.device"),
    ({"a": int, "b": int}, {"seconds": 0}, ValueError, "seconds=0; pass a positive number"),
    ({"a": int, "b": int}, {"seconds": math.inf}, ValueError, "seconds=inf; pass a positive"),
    ({"a": int, "b": int}, {"seconds": math.nan}, ValueError, "seconds=nan; pass a positive"),
    ({"a": int, "b": int}, {"seconds": "1"}, ValueError, "seconds='1'; pass a positive"),
    ({"a": int, "b": int}, {"num_threads": 0}, ValueError, "num_threads=0; pass a whole"),
    ({"a": int, "b": int}, {"num_threads": True}, ValueError, "num_threads=True; pass a whole"),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_one_sentence(functions, options, error, said):
    with pytest.raises(error, match=f"^compare_speed was given .*{said}") as caught:
        compare_speed(functions, **options)
    assert "\n" not in str(caught.value)


# --- a device with a queue and a count of its memory ------------------------------------------


@pytest.fixture
def accelerator(monkeypatch):
    """A pretended device: its queue must be waited for, and it counts its memory."""
    device = SimpleNamespace(waits=0, held=1000, peak=5000)

    def wait(*_):
        device.waits += 1

    module = SimpleNamespace(
        synchronize=wait,
        reset_peak_memory_stats=lambda *_: setattr(device, "peak", device.held),
        max_memory_allocated=lambda *_: device.peak,
    )
    monkeypatch.setattr(torch, "get_device_module", lambda device: module)
    return device


def taking(accelerator, size):
    def function():
        accelerator.peak = max(accelerator.peak, accelerator.held + size)

    return function


def test_each_reading_of_the_clock_waits_for_the_device(accelerator):
    timing = compare_speed({"a": int, "b": int}, seconds=0.02, device="cuda")
    assert accelerator.waits >= 2 * 3 * 2 * timing.rounds


def test_the_peak_is_what_a_call_adds(accelerator):
    functions = {"small": taking(accelerator, 64), "large": taking(accelerator, 4096)}
    timing = compare_speed({**functions, "none": int}, seconds=0.02, device="cuda")
    assert [row.peak_bytes for row in timing.rows] == [64, 4096, 0]
    assert accelerator.held == 1000
    lines = str(timing).splitlines()
    assert lines[1].endswith("peak memory") and lines[3].endswith(" 4,096 bytes")
    words = timing._repr_mimebundle_()[0]["text/plain"]
    assert "4,096" not in words and "peak" not in words


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_on_cuda_the_peak_is_counted_and_the_work_waited_for():
    x = torch.ones(2048, 2048, device="cuda")
    functions = {"once": lambda: x @ x, "eight times": lambda: [x @ x for _ in range(8)]}
    timing = compare_speed(functions, device="cuda")
    assert timing.rows[0].peak_bytes >= x.nbytes and timing.rows[1].peak_bytes >= 8 * x.nbytes
    assert timing.ratios[0].median > 4
