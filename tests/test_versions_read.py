"""How the versions are read, what a failed backward leaves, the table, and a map of statements."""

from typing import NamedTuple

import pytest
import torch
from overwriting import RAISED, Cube, judged, numbers_of_torch
from sound import leaf, the
from torch.utils.checkpoint import checkpoint

from lecture_helpers import expect_error, record_backward, show_graph
from lecture_helpers.saved import raw_of
from lecture_helpers.versions import is_output, version_saved, versions_saved


def test_several_changes_are_told_by_the_last():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.add_(1)
    y.mul_(2)
    with torch.no_grad():
        y.sub_(1)
    loss = y.sum()
    graph = judged(loss, show_graph(loss, saved=True))
    (one,) = graph.overwritten
    assert (one.now, graph.nodes[one.changer].grad_fn) == (3, "MulBackward0")


def test_a_value_that_was_changed_before_it_was_saved_is_not_marked():
    x = leaf(1.0, 2.0)
    h = x * 1
    h.mul_(2)
    y = (h * h).sum()
    graph = judged(y, show_graph(y, saved=True))
    node = graph.nodes[-2]
    assert [(one.version, one.now, one.computed) for one in node.saved] == [(1, 1, True)] * 2


def test_a_parameter_changed_before_it_was_saved_counts_as_given():
    weight = leaf([1.0, 2.0], [3.0, 4.0])
    with torch.no_grad():
        weight.mul_(2)
    y = (torch.ones(1, 2, requires_grad=True) @ weight.t()).sum()
    saved = the(show_graph(y, saved=True), "MmBackward0").saved
    found = sorted((one.name, one.version, one.computed) for one in saved)
    assert found == [("mat2", 1, False), ("self", 0, False)]


def test_a_leaf_changed_before_it_was_saved_counts_as_given():
    w = leaf(1.0, 2.0)
    with torch.no_grad():
        w.mul_(2)
    saved = the(show_graph(w * w, saved=True), "MulBackward0").saved
    assert [(one.version, one.now, one.computed) for one in saved] == [(1, 1, False)] * 2


class Added(torch.autograd.Function):
    """Saves its input and its output, which is at version 1 by then."""

    @staticmethod
    def forward(ctx, x):
        y = x**3
        y.add_(1)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        x, _ = ctx.saved_tensors
        return 3 * x**2 * gradient


def test_versions_of_a_custom_function_above_zero_are_read():
    h = leaf(1.0, 2.0) * 1
    h.mul_(2)
    y = Added.apply(h)
    loss = y.sum()
    saved = the(show_graph(loss, saved=True), "AddedBackward").saved
    assert [(one.version, one.now, one.computed) for one in saved] == [(1, 1, True)] * 2
    y.detach().add_(1)
    h.detach().mul_(1)
    z = Cube.apply(h)  # saves h at version 2, and its output at 0
    z.add_(1)
    z.add_(1)
    loss = z.sum()
    (one,) = judged(loss, show_graph(loss, saved=True)).overwritten
    assert (one.saved, one.version, one.now) == ("tensors[2]", 0, 2)


def test_both_outputs_of_a_custom_function_are_told_apart_where_torch_tells():
    class Two(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            a, b = x * 2, x * 3
            ctx.save_for_backward(a, b)
            return a, b

        @staticmethod
        def backward(ctx, g, h):
            a, b = ctx.saved_tensors
            return 2 * g + 3 * h

    for changed, name in ((0, "tensors[0]"), (1, "tensors[1]")):
        made = Two.apply(leaf(1.0, 2.0))
        made[changed].add_(1)
        loss = made[0].sum() + made[1].sum()
        (one,) = judged(loss, show_graph(loss, saved=True)).overwritten
        assert (one.saved, one.version, one.now) == (name, 0, 1)


def test_after_a_failed_backward_what_was_overwritten_is_still_told():
    x = leaf(1.0, 2.0)
    h = x * x
    y = h.exp()
    z = y.sin()
    loss = (z * z).sum()
    y.add_(1)
    before = show_graph(loss, saved=True).overwritten
    with expect_error(RuntimeError, RAISED):
        loss.backward()
    graph = show_graph(loss, saved=True)
    assert graph.overwritten == before
    assert [graph.nodes[one.node].grad_fn for one in before] == ["SinBackward0", "ExpBackward0"]
    states = {node.grad_fn: {one.state for one in node.saved} for node in graph.nodes}
    assert states["ExpBackward0"] == states["SinBackward0"] == {"kept"}
    freed = [node for node in graph.nodes if {one.state for one in node.saved} == {"freed"}]
    assert [node.grad_fn for node in freed] == ["MulBackward0"]  # it ran before the error


def test_after_a_backward_nothing_is_known():
    x = leaf(1.0, 2.0)
    y = x.exp()
    loss = y.sum()
    loss.backward()
    y.detach().add_(1)
    graph = show_graph(loss, saved=True)
    assert graph.overwritten == ()
    (one,) = the(graph, "ExpBackward0").saved
    assert (one.version, one.now, one.overwritten) == (None, None, False)


def test_record_backward_raises_torchs_own_error():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.add_(1)
    loss = y.sum()
    with pytest.raises(RuntimeError, match=RAISED):
        record_backward(loss)
    assert len(show_graph(loss, saved=True).overwritten) == 1


def test_what_a_hook_or_a_checkpoint_packed_is_unknown_and_never_unpacked():
    x = leaf(1.0, 2.0)
    calls = []

    def unpack(packed):
        calls.append(packed)
        return packed

    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, unpack):
        y = x.exp()
        z = Cube.apply(y)
        w = y[torch.tensor([0, 1])]
    y.add_(1)
    graph = show_graph(z, w, saved=True)
    assert graph.overwritten == () and calls == []
    assert {one.version for node in graph.nodes for one in node.saved} == {None}

    h = x * 1
    out = checkpoint(torch.sin, h, use_reentrant=False).sum()
    h.add_(1)
    graph = show_graph(out, saved=True)
    assert [(one.state, one.version, one.now) for one in the(graph, "SinBackward0").saved] == [
        ("packed", None, None)
    ]


def test_reading_leaves_the_check_on_and_the_versions_alone():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.add_(1)
    loss = y.sum()
    first = show_graph(loss, saved=True)
    assert show_graph(loss, saved=True) == first
    assert y._version == 1
    assert numbers_of_torch(loss) == (0, 1)


def test_a_change_inside_a_view_that_python_cannot_see_is_not_marked():
    """What CopySlices wraps is hidden: the page says so, and torch alone notices."""
    h = leaf(1.0, 2.0) * 1
    h[0].exp_()
    h.mul_(2)
    loss = h.sum()
    assert show_graph(loss, saved=True).overwritten == ()
    with pytest.raises(RuntimeError, match=RAISED):
        loss.backward()


class OldHandle(NamedTuple):
    """A handle of torch 2.11, which has no unpack()."""

    data: torch.Tensor
    unpack_hook: object = None


def test_without_unpack_the_first_of_a_list_that_fits_is_told():
    h = leaf(1.0, 2.0) * 1
    y = Cube.apply(h)
    node = y.grad_fn
    handles = [OldHandle(raw.data) for raw in node._raw_saved_tensors]
    assert versions_saved(node, "tensors", handles) == [(0, False)] * 3
    y.add_(1)
    assert versions_saved(node, "tensors", handles) == [(0, False), (0, False), (0, False)]
    h.mul_(2)
    assert versions_saved(node, "tensors", handles)[0] == (0, False)
    assert versions_saved(node, "tensors", handles)[2] == (None, False)  # the first one hides it
    packed = [one._replace(unpack_hook=print) for one in handles]
    assert versions_saved(node, "tensors", packed) == [(None, False)] * 3


def test_with_and_without_unpack_the_same_saved_tensors_are_outputs():
    h = leaf(1.0, 2.0) * 1
    y = (h * h).exp()
    for node, name, wanted in ((y.grad_fn, "result", True), ((h * h).grad_fn, "self", False)):
        raw = raw_of(node, name)
        assert is_output(raw, name) == is_output(OldHandle(raw.data), name) == wanted
    y.add_(1)
    node = y.grad_fn.next_functions[0][0]
    assert is_output(raw_of(node, "result"), "result")
    assert version_saved(node, "result", 1) == (0, False)
    assert version_saved(node, "result", 5) == (None, False)  # not the number that was asked for


def test_the_tracked_tensor_gives_the_name_not_its_detached_handle():
    x = leaf(1.0, 2.0)
    d = None
    y = x.exp()
    d = y.detach()
    d.add_(1)
    loss = y.sum()
    (one,) = judged(loss, show_graph(loss, saved=True)).overwritten
    assert (one.tensor, one.changer, one.changed_by) == ("y", None, None)


def test_of_two_inputs_of_one_shape_the_maker_is_found_through_the_changes():
    w = leaf(1.0, 2.0)
    a, b = w * 1, w.sin()
    loss = (a * b).sum()
    a.add_(1)
    a.mul_(2)
    graph = judged(loss, show_graph(loss, saved=True))
    (one,) = graph.overwritten
    assert (one.tensor, graph.nodes[one.maker].grad_fn) == ("a", "MulBackward0")
    assert one.changed_by == "MulBackward0" and one.changer is None
    loss = (w * w.sin()).sum()
    w.detach().add_(1)
    graph = judged(loss, show_graph(loss, saved=True))
    assert [graph.nodes[one.maker].name for one in graph.overwritten] == ["w", "w"]
