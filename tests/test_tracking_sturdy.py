"""tracking_map changes nothing, holds nothing, and says what it cannot follow."""

import gc
import linecache
import os
import subprocess
import sys
import threading
import warnings
import weakref

import pytest
import torch
import torch.nn.functional as F
from sound import Cube, Double, leaf
from torch import nn
from torch.utils.checkpoint import checkpoint

from lecture_helpers import expect_error, grad_table, show_graph, tracking_map
from lecture_helpers.follow import MOST_RECENT
from lecture_helpers.untracked import NO_CALL, NO_GRAD


def views_and_writes(x):
    y = x * 3
    y[0, 1:] *= 2
    v = y.view(-1)
    v[1:3].mul_(x.flatten()[:2])
    first, second = y.split(1, dim=0)[0].chunk(2, dim=1)
    return torch.cat([first, second * v.sum()], dim=1), y


def several(x):
    top, place = x.topk(2)
    u, s, v = torch.linalg.svd(x)
    parts = [part.sum() for part in x.unbind()]
    return top.sum() + s.sum() + torch.stack(parts).prod() + x.max(dim=0).values.sum(), place


def module(x):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.GELU(), nn.Dropout(0.5),
                        nn.Linear(4, 3))  # fmt: skip
    out, state = nn.GRU(3, 2)(net(x).reshape(1, 3, 3))
    loss = F.cross_entropy(out[0], torch.tensor([0, 1, 0])) + state.pow(2).mean()
    return loss, *net.parameters()


def training(x):
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = net(x.detach()).pow(2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    return net(x).sum(), *net.parameters(), *(held.grad for held in net.parameters())


def attention(x):
    torch.manual_seed(0)
    return nn.MultiheadAttention(3, 1)(x, x, x)[0]


def with_hooks(x):
    h = x * 2
    h.register_hook(lambda g: g * 10)
    h.retain_grad()
    h.sum().backward(retain_graph=True)
    return h * h.grad


def second(x):
    (g,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    return g * x


PROGRAMS = {
    "views and writes": views_and_writes, "several results": several, "module": module,
    "training": training, "attention": attention, "hooks": with_hooks, "second derivative": second,
    "custom": lambda x: Cube.apply(x) * Double.apply(x * 1),
    "checkpoints": lambda x: checkpoint(torch.sin, checkpoint(
        lambda t: t.exp() * t, x, use_reentrant=False), use_reentrant=True),
    "modes": lambda x: x * (x * 2).detach() + torch.no_grad()(torch.exp)(x) + x.data,
    "torch.func": lambda x: torch.func.vmap(torch.func.grad(lambda t: (t * t).sum()))(x) * x,
    "einsum and where": lambda x: torch.where(x > 2, torch.einsum("ij,kj->ik", x, x), x),
    "autocast": lambda x: torch.autocast("cpu", torch.bfloat16)(torch.matmul)(x, x),
    "sparse": lambda x: torch.sparse.mm(torch.eye(3).to_sparse(), x),
    "complex": lambda x: torch.view_as_real(torch.fft.rfft(x)).abs(),
}  # fmt: skip


def outcome(program):
    """Run a program; return bits, versions, flags, graph and gradient of what it gives."""
    x = torch.tensor([[1.0, 5.0, 2.0], [7.0, 3.0, 4.0], [0.5, 6.0, 9.0]], requires_grad=True)
    given = program(x)
    tensors = list(given) if isinstance(given, tuple) else [given]
    graph = show_graph(tensors)
    tracked = [one for one in tensors if one.grad_fn is not None]
    torch.autograd.backward([one.sum() for one in tracked])
    told = [(one._version, one.requires_grad, one.dtype) for one in tensors]
    return [*tensors, x.grad], (told, str(graph), graph.edges)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_gives_the_same_to_the_bit(program):
    wanted, told = outcome(program)
    with tracking_map() as lines:
        got, told_inside = outcome(program)
    assert told_inside == told and lines.rows
    for one, other in zip(got, wanted):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)
    assert lines._calls.missed == lines._follower.missed == 0
    assert str(lines) and lines._repr_mimebundle_()["text/html"]


def test_the_error_of_the_block_passes_and_what_was_seen_stays():
    x = leaf(1.0, 2.0)
    error, y = KeyError("mine"), "before"
    lines = tracking_map()
    with pytest.raises(KeyError) as raised, lines:
        h = x * 2
        raise error
    assert raised.value is error and error.__cause__ is None and error.__context__ is None
    with pytest.raises(RuntimeError, match="size"), lines:
        y = (h * 3) @ torch.ones(3)
    assert y == "before"
    assert [(line.source, [(one.name or one.expression, one.tracked, one.why)
                           for one in line.results]) for line in lines.rows] == [
        ("h = x * 2", [("h", True, None)]),
        ("y = (h * 3) @ torch.ones(3)",
         [("(h * 3) @ torch.ones(3)", None, "raised RuntimeError")]),
    ]  # fmt: skip


def fails(t):
    h = t * 2
    raise ValueError(h.shape)


def test_what_an_error_kept_from_running_is_not_told():
    x, y, z = leaf(1.0, 2.0), torch.ones(2), torch.zeros(2)
    with pytest.raises(ValueError), tracking_map() as lines:
        y = fails(x)
        z = torch.from_numpy(y.numpy())
    assert y.sum() == 2 and z.sum() == 0
    assert [(line.source, line.results[0].name) for line in lines.rows] == [("h = t * 2", "h")]


def test_after_an_error_backward_names_the_change(capsys):
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        y = x.exp()
        y += 1
    with expect_error(RuntimeError, "modified by an inplace operation"):
        y.sum().backward()
    exp = y.grad_fn.next_functions[0][0]
    assert lines.made(exp) == "y = x.exp()"
    (change,) = lines.changes_of(y.untyped_storage()._cdata, exp)
    assert (change.source, change.before, change.after) == ("y += 1", 0, 1)


def test_nothing_is_kept_alive_and_nothing_is_left():
    x, net = leaf(1.0, 2.0), nn.Linear(2, 2)
    gc.disable()
    try:
        with tracking_map() as lines:
            h = x * 2
            y = net(h)
            w = y.data
            w.add_(1)
            several = [x * i for i in range(3)]
            held = [weakref.ref(one) for one in (h, y, w, *several)]
            del h, y, w, several
            assert [one() for one in held] == [None] * 6
            last = x.exp()
        alive = weakref.ref(last)
        del last
        assert alive() is None
        kept = weakref.ref(lines), weakref.ref(lines._calls)
        del lines
        assert [one() for one in kept] == [None, None]
    finally:
        gc.enable()
    assert torch.overrides._len_torch_function_stack() == 0


def test_the_variables_of_a_function_are_not_kept_by_its_frame():
    def run(x):
        h = double(x)
        alive = weakref.ref(h)
        del h
        y = double(x)
        return alive(), y

    def double(t):
        return t * 2

    gc.disable()
    try:
        with tracking_map() as lines:
            gone, _ = run(leaf(1.0, 2.0))
        assert gone is None and len(lines.rows) == 3
    finally:
        gc.enable()


def test_entered_twice_at_once_and_again_later():
    x = leaf(1.0, 2.0)
    lines = tracking_map()
    with lines:
        h = x * 2
        with pytest.raises(RuntimeError, match="recording already"), lines:
            pass
    with lines:
        h = h * 3
    assert [(line.number, line.source) for line in lines.rows] == [
        (1, "h = x * 2"),
        (1, "h = h * 3"),
    ]


def test_a_mode_that_is_left_out_of_order():
    x, other = leaf(1.0, 2.0), torch.overrides.BaseTorchFunctionMode()
    lines = tracking_map().__enter__()
    other.__enter__()
    try:
        h = x * 2
        lines.__exit__(None, None, None)  # torch takes the other mode from its stack
        p = h * 3
    finally:
        torch.overrides._pop_mode()
    assert [line.source for line in lines.rows] == ["h = x * 2"] and p.requires_grad
    assert lines.notes == ()


def test_one_map_in_another():
    x = leaf(1.0, 2.0)
    with tracking_map() as outer:
        h = x * 2
        with tracking_map() as inner:
            p = h.detach()
            p += 1
    assert [line.source for line in outer.rows] == ["h = x * 2", "p = h.detach()", "p += 1"]
    assert [line.source for line in inner.rows] == ["p = h.detach()", "p += 1"]
    assert outer.changes == inner.changes and len(inner.changes) == 1


def test_the_helpers_of_the_course_are_not_followed(capsys):
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        h = x * 2
        words = str(show_graph(h)) + str(grad_table(h, x))
    assert [line.source for line in lines.rows] == ["h = x * 2"] and words


def test_compiled_code():
    x = leaf(1.0, 2.0)
    torch._dynamo.reset()
    function = torch.compile(lambda t: (t * 2).sin().sum(), backend="aot_eager")
    kind = type(function(x).grad_fn)
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with tracking_map() as lines:
                y = function(x)
                z = y * 2
        assert kind.__name__ == type(y.grad_fn).__name__ == "CompiledFunctionBackward"
        assert [[(one.name or one.call, one.tracked) for one in line.results]
                for line in lines.rows] == [
            [("compiled code", None), ("y", True)], [("z", True)]]  # fmt: skip
    kept = weakref.ref(lines._calls)
    del lines
    gc.collect()
    assert z.requires_grad and kept() is None
    torch._dynamo.reset()


@pytest.mark.filterwarnings("ignore")
def test_scripted_and_traced_code():
    x = leaf(1.0, 2.0)
    traced = torch.jit.trace(lambda t: (t * 2).sum(), x)
    with tracking_map() as lines:
        y = traced(x)
        if y > 100:
            z = traced(x)
        w = traced(x)
        w = traced(x)
    assert y.requires_grad and w.requires_grad and "z" not in locals()
    assert [(line.number, line.results[0][:6]) for line in lines.rows] == [
        (1, ("y", None, "", (), True, NO_CALL)), (2, (None, "y > 100", "gt", (), False,
                                                      "bool values have no gradient"))]  # fmt: skip


def test_another_thread():
    x, box, stop = leaf(1.0, 2.0), [], threading.Event()
    with tracking_map() as lines:
        thread = threading.Thread(target=lambda: box.append(x * 2))
        thread.start()
        thread.join()
        y = box.pop()
        running = threading.Thread(target=stop.wait)
        running.start()
    stop.set()
    running.join()
    assert y.requires_grad
    assert [(line.source, line.results[0].why) for line in lines.rows] == [
        ("y = box.pop()", NO_CALL)
    ]
    assert lines.notes == (
        "A thread that the block started still runs: its calls are not followed.",)  # fmt: skip


def test_hooks_that_run_in_a_backward_are_not_taken_for_lines():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        h = x * 2
        h.register_hook(lambda g: g * 10)
        h.sum().backward()
    assert x.grad.tolist() == [20.0, 20.0]
    assert [line.source for line in lines.rows] == ["h = x * 2"]


def test_a_tensor_subclass_sees_no_more_calls():
    class Counted(torch.Tensor):
        calls = []

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            cls.calls.append(func)
            return super().__torch_function__(func, types, args, kwargs or {})

    def program():
        Counted.calls.clear()
        x = torch.ones(2).as_subclass(Counted)
        y = x * 2
        y.add_(1)
        z = torch.stack([y, y]).sum()
        return z, len(Counted.calls)

    wanted, count = program()
    with tracking_map() as lines:
        z, inside = program()
    assert (z.item(), inside) == (wanted.item(), count) and lines.notes == ()
    assert [line.results[0].name for line in lines.rows[:2]] == ["z", "x"]


def test_odd_objects_among_the_arguments_and_variables():
    class Odd:
        def __getattr__(self, name):
            raise ValueError(name)

        def __eq__(self, other):
            raise ValueError("compared")

    class Vector:
        def __init__(self, held):
            self.held = held

        def __mul__(self, other):
            return Vector(self.held * other)

    odd, x = Odd(), leaf(1.0, 2.0)
    with tracking_map() as lines:
        a = Vector(x)
        b = a * 3
        c = [odd, b.held.detach(), None]
        d = nn.Linear(2, 1)(x)
        e = torch.nested.nested_tensor([x, torch.ones(3)], layout=torch.jagged)
        f = torch.empty(2, device="meta", requires_grad=True) * 2
        g = torch.eye(2).to_sparse() * 2
    assert d.requires_grad and e.is_nested and f.is_meta and g.is_sparse and c
    assert lines.notes == ()
    assert [(line.source, [(one.name or one.expression, one.tracked) for one in line.results])
            for line in lines.rows] == [
        ("return Vector(self.held * other)", [("self.held * other", True)]),
        ("c = [odd, b.held.detach(), None]", [("c[1]", False)]),
        ("d = nn.Linear(2, 1)(x)", [("d", True)]),
        ("e = torch.nested.nested_tensor([x, torch.ones(3)], layout=torch.jagged)",
         [("e", False)]),
        ("f = torch.empty(2, device=\"meta\", requires_grad=True) * 2", [("f", True)]),
        ("g = torch.eye(2).to_sparse() * 2", [("g", False)]),
    ]  # fmt: skip


def test_generators_recursion_and_class_bodies():
    x = leaf(1.0, 2.0)

    def powers(t):
        for _ in range(2):
            t = t * x
            yield t

    def deep(t, levels):
        return t if levels == 0 else deep(t * 2, levels - 1)

    with tracking_map() as lines:
        for p in powers(x):
            q = p + 1
        r = deep(x, 5)

        class Holds:
            s = x * 3

    assert q.requires_grad and r.requires_grad and Holds.s.requires_grad
    told = {line.source: [(one.name or one.expression, one.tracked, one.times)
                          for one in line.results] for line in lines.rows}  # fmt: skip
    assert told == {
        "for p in powers(x):": [("p", True, 2)],
        "t = t * x": [("t", True, 2)],
        "q = p + 1": [("q", True, 2)],
        "r = deep(x, 5)": [("r", True, 1)],
        "return t if levels == 0 else deep(t * 2, levels - 1)": [
            ("t * 2", True, 1)
        ],  # the others are passed on
        "s = x * 3": [("s", True, 1)],
    }


def test_without_a_source_lines_have_their_number(root):
    program = """
import torch
from lecture_helpers import tracking_map
x = torch.tensor(2.0, requires_grad=True)
with tracking_map() as lines:
    h = x * 2
    with torch.no_grad():
        p = h + 1
print(lines)
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert run.stderr == ""
    rows = [line.split() for line in run.stdout.splitlines()]
    assert [row[0] for row in rows[1:3]] == ["1", "3"]
    assert rows[2][-4:] == NO_GRAD.split()[-4:]


@pytest.mark.parametrize("name", ["<ipython-input-3-0123456789ab>", "/tmp/ipykernel_1/2.py"])
def test_a_cell_of_a_notebook(name):
    cell = "with tracking_map() as lines:\n    h = (x *\n         2)\n"
    cell += "    k = [h * i for i in (1, 2)]\n"
    variables = {"x": leaf(1.0, 2.0), "tracking_map": tracking_map, "__name__": "__main__"}
    linecache.cache[name] = len(cell), None, cell.splitlines(keepends=True), name
    try:
        exec(compile(cell, name, "exec"), variables)
    finally:
        del linecache.cache[name]
    assert [(line.number, line.source, line.function) for line in variables["lines"].rows] == [
        (1, "h = x * 2", "<module>"), (3, "k = [h * i for i in (1, 2)]", "<module>")]  # fmt: skip
    assert str(variables["lines"]).splitlines()[1].split() == [
        "1",
        "h",
        "=",
        "x",
        "*",
        "2",
        "h",
        "(2,)",
        "yes",
    ]


LOOP = """
import threading, torch
from lecture_helpers import tracking_map

def run():
    h = torch.tensor([1.0, 2.0], requires_grad=True)
    with tracking_map() as lines:
        for _ in range({steps}):
            h = h * 1.0001
    (line,) = lines.rows
    assert line.results[0].times == {steps}, line
    assert lines.made(h.grad_fn) == "h = h * 1.0001" or line.source is None
    del h
    print(len(str(lines)) < 1000, len(lines._follower._recent))

{start}
"""


@pytest.mark.parametrize("steps, start", [
    (60_000, "run()"),
    (8_000, "threading.stack_size(2**20); t = threading.Thread(target=run); t.start(); t.join()"),
], ids=["main thread", "a thread with a small stack"])  # fmt: skip
def test_a_deep_chain_is_followed_and_dropped(steps, start, root, tmp_path):
    """Reading each grad_fn of such a chain kills the interpreter when it is dropped."""
    script = tmp_path / "loop.py"
    script.write_text(LOOP.format(steps=steps, start=start), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(root)}
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == ["True", "0"]


def test_what_is_remembered_of_results_is_bounded():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        kept = [x * i for i in range(2 * MOST_RECENT)]
        assert len(lines._follower._recent) <= MOST_RECENT
        assert all(len(run.waiting) <= 110 for run in lines._follower._runs)
    (line,) = lines.rows
    assert kept[0].requires_grad and sum(one.times for one in line.results) >= 1
