"""tracking_map: exact lines, against what torch's own flags say."""

import copy
import functools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sound import Cube, leaf
from torch import nn
from torch.utils.checkpoint import checkpoint

from lecture_helpers import TrackedLine, TrackedResult, callers, tracking_map
from lecture_helpers.untracked import (
    ARRAY,
    DATA,
    DETACH,
    FROZEN,
    INFERENCE,
    LEAF,
    NEW,
    NEW_LEAF,
    NO_CREATE_GRAPH,
    NO_GRAD,
    NO_INPUT,
    NOT_FOLLOWED,
    NUMBER,
    NUMBERS,
    UNSEEN,
)  # fmt: skip

INTEGER, BOOL = "int64 values have no gradient", "bool values have no gradient"


def told(lines):
    """Return of each line its number and what its results are called, tracked and why."""
    return [
        (line.number, *((one.name or one.expression or one.call, one.tracked, one.why)
                        for one in line.results))
        for line in lines.rows
    ]  # fmt: skip


def only(lines):
    """Return the results of a map's only line, without its number."""
    (line,) = told(lines)
    return list(line[1:])


def test_a_line_tells_all_there_is():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        h = 3 * x
        with torch.no_grad():
            p = h + 1
        d = h.detach()
    assert (h.requires_grad, p.requires_grad, d.requires_grad) == (True, False, False)
    name = "test_a_line_tells_all_there_is"
    assert lines.rows == (
        TrackedLine(1, "h = 3 * x", ("mul",), (
            TrackedResult("h", "3 * x", "mul", (2,), True, None, 1),), name),
        TrackedLine(3, "p = h + 1", ("add",), (
            TrackedResult("p", "h + 1", "add", (2,), False, NO_GRAD, 1),), name),
        TrackedLine(4, "d = h.detach()", ("detach",), (
            TrackedResult("d", "h.detach()", "detach", (2,), False, DETACH, 1),), name),
    )  # fmt: skip
    assert lines.changes == () and lines.notes == ()


def test_modes():
    x, g = leaf(1.0, 2.0), torch.ones(2)
    with tracking_map() as lines:
        with torch.no_grad():
            a = x * 2
            made = torch.ones(2, requires_grad=True)
            parameter = nn.Parameter(torch.ones(2))
            with torch.enable_grad():
                b = x * 2
        with torch.set_grad_enabled(False):
            c = x * 2
        with torch.inference_mode():
            d = x * 2
            e = torch.ones(2)
            g.mul_(2)
        f = e * 2
    flags = [t.requires_grad for t in (a, made, parameter, b, c, d, e, f)]
    assert flags == [False, True, True, True, False, False, False, False]
    assert told(lines) == [
        (2, ("a", False, NO_GRAD)), (3, ("made", True, LEAF)), (4, ("parameter", True, LEAF)),
        (6, ("b", True, None)), (8, ("c", False, NO_GRAD)), (10, ("d", False, INFERENCE)),
        (11, ("e", False, INFERENCE)), (12, ("g", False, INFERENCE)), (13, ("f", False, NO_INPUT)),
    ]  # fmt: skip


def test_a_view_made_in_no_grad_is_not_tracked_whatever_its_flag_says():
    x = leaf(1.0, 2.0)
    h = x * 3
    with tracking_map() as lines, torch.no_grad():
        v = h.view(2)
        w = v[0]
    assert v.grad_fn is None and w.grad_fn is None
    (_, (name, tracked, why)), (_, second) = told(lines)
    assert (name, tracked, second[:2]) == ("v", False, ("w", False))
    assert why.startswith("no_grad: ")


def test_ways_out_of_the_graph():
    x = leaf(1.0, 2.0)
    h = x * 3
    with tracking_map() as lines:
        a = h.detach()
        b = h.data
        c = torch.tensor(h.tolist())
        d = h.sum().item()
        e = a.numpy()
        f = float(a[0])
        g = math.sqrt(a[0])
        k = h.detach().numpy()
        m = torch.autograd.grad(h.sum(), x)
    assert (type(d), type(f), type(g), type(k), type(e)) == (
        float, float, float, np.ndarray, np.ndarray)  # fmt: skip
    assert not any(t.requires_grad for t in (a, b, c, *m))
    assert told(lines) == [
        (1, ("a", False, DETACH)), (2, ("b", False, DATA)),
        (3, ("h.tolist()", False, NUMBERS), ("c", False, NEW)), (4, ("d", False, NUMBER)),
        (5, ("e", False, ARRAY)), (6, ("f", False, NUMBER)),
        (7, ("math.sqrt(a[0])", False, NUMBER)),
        (8, ("h.detach()", False, DETACH), ("k", False, ARRAY)),
        (9, ("m[0]", False, NO_CREATE_GRAPH)),
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:To copy construct", "ignore:Converting a tensor")
def test_values_taken_into_a_new_leaf():
    x = leaf(1.0, 2.0)
    a, b = x * 2, x.sum()
    with tracking_map() as lines:
        c = torch.tensor(a)
        d = torch.tensor([b, b])
        e = torch.as_tensor(a)
        f = torch.as_tensor([b, b])
        g = torch.stack([b, b])
    assert [t.requires_grad for t in (c, d, e, f, g)] == [False, False, True, False, True]
    assert told(lines) == [
        (1, ("c", False, NEW_LEAF)), (2, ("d", False, NEW_LEAF)), (3, ("e", True, None)),
        (4, ("f", False, NEW_LEAF)), (5, ("g", True, None)),
    ]  # fmt: skip


def test_results_that_can_have_no_gradient():
    x = leaf(1.0, 2.0)
    h = x * 3
    with tracking_map() as lines:
        a = h.argmax()
        b = h > 4
        c = h.long()
        d = torch.arange(3)
        e = torch.histc(h, 3)
        f = torch.zeros_like(h)
        g = torch.randn(2)
        k = g * 2
    assert not any(t.requires_grad for t in (a, b, c, d, e, f, g, k))
    assert told(lines) == [
        (1, ("a", False, INTEGER)), (2, ("b", False, BOOL)), (3, ("c", False, INTEGER)),
        (4, ("d", False, INTEGER)), (5, ("e", False, "torch has no derivative for histc")),
        (6, ("f", False, NEW)), (7, ("g", False, NEW)), (8, ("k", False, NO_INPUT)),
    ]  # fmt: skip


def test_the_flag_is_set_later():
    with tracking_map() as lines:
        a = torch.ones(2)
        b = a * 2
        a.requires_grad_()
        c = a * 2
        a.requires_grad = False
        d = a * 2
        a.requires_grad = True
        e = c.detach().requires_grad_()
    assert [t.requires_grad for t in (a, b, c, d, e)] == [True, False, True, False, True]
    assert told(lines) == [
        (1, ("a", False, NEW)), (2, ("b", False, NO_INPUT)), (3, ("a", True, LEAF)),
        (4, ("c", True, None)), (5, ("a", False, FROZEN)), (6, ("d", False, NO_INPUT)),
        (7, ("a", True, LEAF)), (8, ("c.detach()", False, DETACH), ("e", True, LEAF)),
    ]  # fmt: skip


def test_in_place_and_out():
    x, z = leaf(1.0, 2.0), torch.zeros(2)
    y = x * 2
    with tracking_map() as lines:
        y += 1
        y[0] = 5
        z.mul_(2)
        torch.add(z, z, out=z)
        F.relu(z, inplace=True)
        z += x
        with torch.no_grad():
            x -= 0.1 * z
            y.add_(1)
        y.data[0] = 1
    unrecorded = "written to, not recorded (no_grad)"
    assert told(lines) == [
        (1, ("y", True, None)), (2, ("y", True, None)), (3, ("z", False, NO_INPUT)),
        (4, ("z", False, NO_INPUT)), (5, ("z", False, NO_INPUT)), (6, ("z", True, None)),
        (8, ("0.1 * z", False, NO_GRAD), ("x", True, unrecorded)), (9, ("y", True, unrecorded)),
        (10, ("y.data", False, DATA)),
    ]  # fmt: skip


def test_where_tracking_ends_inside_a_line_is_told_and_what_is_passed_on_is_not():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        z = ((x * 2).detach() * 3).sum()
        loss = (x * 2).exp().sum()
        print((x * 2).shape, x.exp())
        if (z > 100).any():
            raise AssertionError
    assert not z.requires_grad and loss.requires_grad
    assert told(lines) == [
        (1, ("(x * 2).detach()", False, DETACH), ("z", False, NO_INPUT)), (2, ("loss", True, None)),
        (3, ("x * 2", True, None), ("x.exp()", True, None)),
    ]  # fmt: skip


def test_several_results():
    x = leaf(3.0, 1.0, 2.0)
    with tracking_map() as lines:
        top, place = x.topk(1)
        both = x.topk(1)
        a, b, _ = x
        for row in x.view(3, 1):
            c = row * 2
        d = {"in": x * 2, "out": x.detach()}
        (e,) = torch.autograd.grad(x.sum(), x)
        f, (g, _) = x * 2, (x.exp(), 1)
    assert both.values.requires_grad and d["in"].requires_grad and f.requires_grad
    assert a.requires_grad and b.requires_grad and c.requires_grad and g.requires_grad
    assert not (place.requires_grad or top.grad_fn is None or e.requires_grad)
    assert told(lines) == [
        (1, ("top", True, None), ("place", False, INTEGER)),
        (2, ("both.values", True, None), ("both.indices", False, INTEGER)),
        (3, ("a", True, None), ("b", True, None), ("_", True, None)), (4, ("row", True, None)),
        (5, ("c", True, None)), (6, ("d['in']", True, None), ("d['out']", False, DETACH)),
        (7, ("e", False, NO_CREATE_GRAPH)), (8, ("f", True, None), ("g", True, None)),
    ]  # fmt: skip


def test_lists():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        few = [x * i for i in range(3)]
        many = [x * i if i % 2 else x.detach() for i in range(9)]
        total = sum(few)
        stack = torch.stack(many)
    assert len(few) == 3 and total.requires_grad and stack.requires_grad
    assert told(lines) == [
        (1, ("few[0]", True, None), ("few[1]", True, None), ("few[2]", True, None)),
        (2, ("many (5 tensors)", False, DETACH), ("many (4 tensors)", True, None)),
        (3, ("total", True, None)), (4, ("stack", True, None)),
    ]  # fmt: skip
    assert [line.results[0].times for line in lines.rows] == [1, 1, 1, 1]


def test_a_loop_is_one_line_with_its_count_and_both_answers():
    x = leaf(1.0, 2.0)
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    kept = []
    with tracking_map() as lines:
        for i in range(6):
            h = x * i
        for _ in range(3):
            y = net(x)
        for _ in range(4):
            net(x)
        for i in range(5):
            kept.append(x * i if i % 2 else x.detach())
        for i in range(3):
            z = torch.ones(i)
    assert h.requires_grad and y.requires_grad and not z.requires_grad
    assert [
        [(one.name or one.expression, one.tracked, one.shape, one.times) for one in line.results]
        for line in lines.rows
    ] == [
        [("h", True, (2,), 6)], [("y", True, (2,), 3)], [("net(x)", True, (2,), 4)],
        [("x.detach()", False, (2,), 3), ("x * i", True, (2,), 2)], [("z", False, None, 3)],
    ]  # fmt: skip


def double(t):
    h = t * 2
    return h


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        return torch.relu(self.layer(x))


def test_functions_and_modules_of_your_own():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        a = double(x)
        with torch.no_grad():
            b = double(x)
        for _ in range(3):
            c = double(x)
        net = Net()
        d = net(x)
        e = (lambda t: t * 3)(x)
    assert not b.requires_grad and all(t.requires_grad for t in (a, c, d, e))
    assert [(line.number, line.function) for line in lines.rows[1:3]] == [
        (None, "double"), (3, "test_functions_and_modules_of_your_own")]  # fmt: skip
    assert told(lines) == [
        (1, ("a", True, None)), (None, ("h", True, None), ("h", False, NO_GRAD)),
        (3, ("b", False, NO_GRAD)), (5, ("c", True, None)), (6, ("net (2 parameters)", True, LEAF)),
        (7, ("d", True, None)), (None, ("torch.relu(self.layer(x))", True, None)),
        (8, ("e", True, None)), (8, ("t * 3", True, None)),
    ]  # fmt: skip
    assert [one.times for one in lines.rows[1].results] == [4, 1]
    assert lines.rows[3].results[0].times == 3


def test_torchs_own_modules_and_optimizers_are_one_result():
    x = leaf(1.0, 2.0)
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.LSTM(3, 2))
    optimizer = torch.optim.Adam(net.parameters())
    with tracking_map() as lines:
        out, (state, _) = net(x.reshape(1, 1, 2))
        loss = F.mse_loss(out, torch.zeros(1, 1, 2)) + state.sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert told(lines) == [
        (1, ("out", True, None), ("state", True, None), ("_", True, None)),
        (2, ("loss", True, None)),
    ]  # fmt: skip
    assert lines.rows[0].calls == ("reshape", "linear", "tanh", "zeros", "lstm")


@pytest.mark.parametrize("built_in", [False, True], ids=["", "apply built in"])
def test_what_is_not_followed_is_said(built_in, monkeypatch):
    """From torch 2.14 on ``apply`` is built in: no frame of Python's tells of it."""
    if built_in:
        monkeypatch.setattr(callers, "_APPLY", None)
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        a = Cube.apply(x)
        b = checkpoint(torch.sin, x, use_reentrant=True)
        c = torch.func.vmap(lambda t: t * 2)(x)
        d = torch.func.grad(lambda t: (t * t).sum())(x.detach())
        e = torch.from_numpy(np.ones(2, dtype=np.float32))
        f = torch.func.functional_call(nn.ReLU(), {}, (x,))
    assert [t.requires_grad for t in (a, b, c, d, e, f)] == [True, True, True, False, False, True]
    function = "a custom Function", None, NOT_FOLLOWED
    transform = "torch.func", None, NOT_FOLLOWED
    assert told(lines) == [
        (1, function, ("a", True, None)), (2, function, ("b", True, None)),
        (3, transform, ("c", True, None)),
        (4, ("x.detach()", False, DETACH), transform, ("d", False, UNSEEN)),
        (5, ("e", False, NEW_LEAF)), (6, ("f", True, None)),
    ]  # fmt: skip


def test_names_with_dots_and_statements_on_one_line():
    class Box:
        pass

    x, box, kept = leaf(1.0, 2.0), Box(), {}
    with tracking_map() as lines:
        box.h = x * 2; kept["k"] = x.detach()  # noqa: E702  # fmt: skip
        a = b = x * 2
        if (c := x * 3).requires_grad:
            d: torch.Tensor = (
                c
                .exp()
                .sum()
            )  # fmt: skip
    assert a is b and d.requires_grad
    assert [line.source for line in lines.rows] == [
        "box.h = x * 2", "kept[\"k\"] = x.detach()", "a = b = x * 2",
        "if (c := (x * 3)).requires_grad:", "d: torch.Tensor = c.exp().sum()",
    ]  # fmt: skip
    assert told(lines) == [
        (1, ("box.h", True, None)), (1, ("kept['k']", False, DETACH)), (2, ("a", True, None)),
        (3, ("c", True, None)), (4, ("d", True, None)),
    ]  # fmt: skip
    assert lines.rows[-1].results[0].expression == "c.exp().sum()"


def test_a_call_that_pythons_library_makes_is_the_callers():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        y = copy.deepcopy(x)
        z = functools.reduce(torch.mul, [x, y, x])
    assert y.requires_grad and z.requires_grad
    assert [line.source for line in lines.rows] == [
        "y = copy.deepcopy(x)", "z = functools.reduce(torch.mul, [x, y, x])"]  # fmt: skip
    assert [line.results[-1][0:5:4] for line in lines.rows] == [("y", True), ("z", True)]


def test_a_line_with_two_answers_counts_each():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        for mode in (True, False):
            with torch.set_grad_enabled(mode):
                h = x * 2
    assert not h.requires_grad
    assert str(lines).splitlines()[1:] == [
        "3     h = x * 2  h (2,)  yes (1 time)",
        "                 h (2,)  no (1 time)   no_grad: gradient mode is off",
    ]


def test_one_line_of_code():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines: h = x * 2  # noqa: E701  # fmt: skip
    assert told(lines) == [(1, ("h", True, None))] and h.requires_grad


TABLE = """\
line  statement                         result           tracked        why not, or a remark
2     h = x.exp()                       h (2,)           yes (2 times)
3     h += 1                            h (2,)           yes (2 times)
4     d = (h < 3).float() * h.detach()  h < 3 (2,)       no             bool values have no gradient
                                        h.detach() (2,)  no             detach() leaves the graph
                                        d (2,)           no             no input requires grad
5     h.data[0] = 0                     h.data (2,)      no             .data leaves the graph

changed in place by  call         tensor  version  remark
h += 1 (2 times)     add_         h       0 to 1
h.data[0] = 0        __setitem__  h.data  0 to 1   through .data: backward will not notice"""


def test_text_and_html():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        for _ in range(2):
            h = x.exp()
            h += 1
        d = (h < 3).float() * h.detach()
        h.data[0] = 0
    assert not d.requires_grad
    assert str(lines) == TABLE
    html = lines._repr_mimebundle_()["text/html"]
    assert html.count("<table>") == 2 and html.count("<th ") == 5 + 2 * 4 + 5 + 2
    assert '<th scope="rowgroup" rowspan="3"' in html
    assert "<code>d = (h &lt; 3).float() * h.detach()</code>" in html
    assert "/" not in html.replace("</", "") and " at 0x" not in html


def test_many_lines_show_their_two_ends():
    x = leaf(1.0, 2.0)
    source = "\n".join(f"h{i} = x * {i}" for i in range(100))
    with tracking_map() as lines:
        exec(compile(source, "<many>", "exec"), {"x": x, "__name__": "__main__"})
    assert len(lines.rows) == 100
    text = str(lines).splitlines()
    assert len(text) == 1 + 60 + 1 + 2
    assert text[31] == "... 40 rows left out; .rows holds them all ..."
    assert text[-1] == "The source is not known here, so lines have a number only."
    assert lines._repr_mimebundle_()["text/html"].count("<tr>") == 62


def test_nothing_to_show():
    words = "no line made a tensor; the lines to follow stand in a block, "
    words += "with tracking_map() as lines:"
    x = leaf(1.0)
    lines = tracking_map()
    assert str(lines) == words and words in lines._repr_mimebundle_()["text/html"]
    with lines:
        assert x.shape == ()
    assert lines.rows == () and str(lines) == words


def test_only_a_leaf_is_called_a_leaf():
    x = leaf(1.0, 2.0)
    with tracking_map() as lines:
        a = x.clone().requires_grad_()
        b = torch.ones_like(x, requires_grad=True)
        c = x.detach().requires_grad_()
    assert (a.is_leaf, b.is_leaf, c.is_leaf) == (False, True, True)
    assert told(lines) == [
        (1, ("a", True, None)), (2, ("b", True, LEAF)),
        (3, ("x.detach()", False, DETACH), ("c", True, LEAF)),
    ]  # fmt: skip


def test_of_several_results_each_follows_its_own_input():
    x, plain = leaf(1.0, 2.0), torch.ones(2)
    with tracking_map() as lines:
        a, b = torch.broadcast_tensors(x, plain)
        c, d = torch.meshgrid(x, plain, indexing="ij")
    assert (a.requires_grad, b.requires_grad) == (c.requires_grad, d.requires_grad) == (True, False)
    assert told(lines) == [
        (1, ("a", True, None), ("b", False, NO_INPUT)),
        (2, ("c", True, None), ("d", False, NO_INPUT)),
    ]
