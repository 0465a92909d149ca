"""saved_memory: what the nodes hold, whose it is, and what a block leaves alive."""

import gc
import warnings

import pytest
import torch
from sound import SendsNothing, leaf
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

from lecture_helpers import saved_memory, show_graph

pytestmark = pytest.mark.usefixtures("light_collector")


def parts(memory):
    """Return the total, then parameters, inputs and the rest."""
    return (
        memory.total_bytes,
        memory.parameter_bytes,
        memory.input_bytes,
        memory.graph_bytes,
    )


def by_why(memory):
    return {part.why: part.nbytes for part in memory.alive}


def test_a_linear_layer_tracked_untracked_and_with_a_detached_input():
    """Lecture 3.3: 147,456, 0 and 131,072 bytes."""
    layer = nn.Linear(64, 64)
    x = torch.ones(256, 64, requires_grad=True)
    one, weight = 256 * 64 * 4, 64 * 64 * 4
    loss = layer(x).pow(2).mean()
    memory = saved_memory(loss)
    assert parts(memory) == (147_456, one + weight, 0, one)
    assert [(piece.kind, piece.name, piece.nbytes) for piece in memory.pieces] == [
        ("leaf", "x", one), ("parameter", "layer.weight", weight), ("graph", None, one),
    ]  # fmt: skip
    assert [(row.node, row.grad_fn, row.new_bytes) for row in memory.rows] == [
        (4, "AddmmBackward0", one + weight), (5, "PowBackward0", one)]  # fmt: skip
    graph = show_graph(loss, saved=True)
    assert all(graph.nodes[row.node].grad_fn == row.grad_fn for row in memory.rows)
    assert [graph.nodes[row.node].saved for row in memory.rows] == [r.saved for r in memory.rows]
    assert graph.saved_bytes == memory.total_bytes
    with torch.no_grad():
        untracked = layer(x).pow(2).mean()
        assert parts(saved_memory(loss)) == parts(memory)  # asking needs no tracking
    assert parts(saved_memory(untracked)) == (0, 0, 0, 0)
    detached = layer(x.detach()).pow(2).mean()
    assert detached.requires_grad
    assert parts(saved_memory(detached)) == (131_072, one, 0, one)
    plain = torch.ones(256, 64)
    loss = layer(plain).pow(2).mean()
    assert parts(saved_memory(loss)) == (131_072, 0, one, one)
    loss = layer(x).pow(2).mean()
    assert parts(saved_memory(loss, inputs=x)) == (147_456, weight, one, one)
    assert parts(saved_memory({"all": [loss]}, inputs=[x])) == (147_456, weight, one, one)


def test_eleven_tensors_are_kept_unless_their_graph_is_gone():
    """Lecture 3.3: detaching the output frees them, detaching the input spares none."""
    net = nn.Sequential(*[part for _ in range(4) for part in (nn.Linear(8, 8), nn.ReLU())])
    x = torch.ones(5, 8)
    assert saved_memory(net(x)).tensors == 11
    assert len(saved_memory(net(x)).pieces) == 8
    assert saved_memory(net(x).detach()).tensors == 0
    assert saved_memory(net(x.detach())).tensors == 11
    with saved_memory() as detached:
        output = net(x).detach()
    with saved_memory() as tracked:
        result = net(x)
    with torch.no_grad():
        assert saved_memory(net(x)).tensors == 0
    assert (detached.made, detached.alive_bytes) == (8, output.nbytes)
    assert (tracked.made, tracked.alive_bytes) == (8, 4 * result.nbytes)
    assert tracked.tensors == 11 and tracked.held_bytes == result.nbytes


def test_each_piece_is_counted_once_and_belongs_to_the_strongest_claim():
    w = torch.ones(100, requires_grad=True)
    frozen = nn.Parameter(torch.ones(100), requires_grad=False)
    data = torch.ones(100)
    h = w * data
    held = h.detach()
    loss = (h * h * frozen.view(10, 10).view(100) * w.view(100) + h.exp()).sum()
    kinds = {piece.name: piece.kind for piece in saved_memory(loss).pieces}
    assert kinds == {
        "data": "input",
        "w": "leaf",
        "h": "graph",
        "frozen": "parameter",
        None: "graph",
    }
    assert held.data_ptr() == h.data_ptr()
    memory = saved_memory(loss)
    assert memory.total_bytes == sum(row.new_bytes for row in memory.rows)
    assert memory.held_bytes == 400 and memory.graph_bytes == 1200
    del h, frozen
    kinds = [(piece.name, piece.kind) for piece in saved_memory(loss).pieces]
    assert ("held", "input") in kinds  # nothing tells any more that the graph made it
    assert (None, "parameter") in kinds  # torch still knows what that is


def test_a_result_that_is_held_only_detached_is_still_the_graphs_own():
    x = leaf(1.0, 2.0)
    mask = torch.relu(x)
    kept = mask.detach()
    loss = mask.sum()
    del mask
    (piece,) = saved_memory(loss).pieces
    assert piece == (kept.nbytes, "graph", "kept", 1)


def test_buffers_of_a_module_are_told_by_name():
    norm = nn.BatchNorm1d(4).eval()
    x = torch.ones(3, 4, requires_grad=True)
    names = {piece.name: piece.kind for piece in saved_memory(norm(x)).pieces}
    assert names == {
        "x": "leaf", "norm.weight": "parameter", "norm.running_mean": "input",
        "norm.running_var": "input", None: "graph",
    }  # fmt: skip

    def inside(module):
        return {piece.name: piece.kind for piece in saved_memory(module(x), module).pieces}

    assert inside(nn.BatchNorm1d(4).eval())["running_var"] == "input"


def test_names_given_by_keyword_win_and_add_outputs():
    w = leaf(2.0)
    memory = saved_memory(first=w.exp(), second=[w.sin()], weight=w)
    assert memory.results == ("first", "second[0]", "weight")
    assert [piece.name for piece in memory.pieces] == ["first", "weight"]


def test_what_a_hook_packed_is_counted_and_not_unpacked():
    x, calls = leaf(1.0, 2.0), []
    with saved_tensors_hooks(lambda t: t.tolist(), calls.append):
        y = x.exp().sum()
    memory = saved_memory(y)
    assert (memory.tensors, memory.packed, memory.total_bytes, calls) == (0, 1, 0, [])
    with saved_tensors_hooks(lambda t: t.double(), calls.append):
        y = x.exp().sum()
    memory = saved_memory(y)
    assert (memory.tensors, memory.packed, memory.total_bytes, calls) == (1, 0, 16, [])
    with saved_memory() as memory, torch.autograd.graph.save_on_cpu():
        y = x.exp().sum()
    assert by_why(memory) == {"packed": 8, "yours": 4}
    y.backward()
    assert x.grad is not None


def test_a_checkpoint_is_not_recomputed():
    runs = []

    def part(x):
        runs.append(1)
        return x.sin().exp()

    x = leaf(1.0, 2.0)
    with saved_memory() as memory:
        h = x * 3
        out = checkpoint(part, h, use_reentrant=False).sum()
        del h
    assert (memory.packed, runs) == (2, [1])
    assert by_why(memory) == {"packed": 8, "yours": 4}
    assert memory.earlier_bytes == memory.total_bytes  # the 3, which torch made a tensor
    out.backward()
    assert len(runs) == 2


def test_after_backward_nothing_is_kept_and_that_is_said():
    x = leaf(2.0)
    y = (x.exp() + 1) * x
    before = saved_memory(y)
    y.backward(retain_graph=True)
    assert saved_memory(y) == before and not before.freed
    y.backward()
    after = saved_memory(y)
    assert (after.freed, after.tensors, after.total_bytes, after.nodes) == (True, 0, 0, 4)
    assert "Backward has freed what was saved." in str(after)


def test_sparse_and_meta_tensors_and_one_without_a_size():
    meta = torch.ones(10, device="meta", requires_grad=True)
    assert saved_memory((meta * meta).sum()).total_bytes == 40
    sparse = torch.tensor([1.0, 0.0, 1.0]).to_sparse()
    product = sparse.requires_grad_() * sparse
    assert saved_memory(product).total_bytes == 2 * 8 + 2 * 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls this layout beta, once per process
        rows = torch.eye(2).to_sparse_csr().requires_grad_()
    memory = saved_memory(rows * rows)
    assert (memory.unknown, memory.total_bytes) == (2, 0)


def test_a_block_tells_what_is_alive_and_why():
    class Holder:
        pass

    w = leaf(*map(float, range(100)))
    holder = Holder()
    with saved_memory() as memory:
        h = w.exp()
        loss = (h * h).sum()
        apart = torch.ones(50)
        holder.deep = {"list": [torch.ones(25)]}
        (w * 2).sum().backward()
    assert by_why(memory) == {"nodes": 400, "yours": 204, "gradient": 400, "inside": 100}
    assert {part.why: part.names for part in memory.alive} == {
        "nodes": (), "yours": ("apart", "loss"), "gradient": ("w.grad",), "inside": ("holder",),
    }  # fmt: skip
    assert memory.results == ("loss",) and memory.held_bytes == memory.total_bytes == 400
    assert memory.earlier_bytes == 0
    assert loss.requires_grad and apart.numel() == 50


def test_an_object_may_hold_a_view_whose_grad_fn_torch_refuses_to_tell():
    class Holder:
        pass

    holder, x = Holder(), leaf(1.0, 2.0)
    with saved_memory() as memory:
        base = x * 1
        holder.view = base.unbind(0)[0]
        base.add_(1)
        holder.ones = torch.ones(3)
    with pytest.raises(RuntimeError, match="is a view and its base"):
        holder.view.grad_fn  # noqa: B018
    assert by_why(memory) == {"yours": 8, "inside": 12}


class Keeps(torch.autograd.Function):
    """Keeps its input by save_for_backward and by hand, and its result twice by hand."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        y = x * 2
        ctx.own, ctx.again, ctx.listed, ctx.number = x, y, [y, y.view(-1)], 3
        return x.sum()


def test_what_stands_on_a_ctx_is_counted_once_and_not_if_it_is_saved_too():
    x = leaf(1.0, 2.0)
    memory = saved_memory(Keeps.apply(x))
    assert parts(memory) == (8, 8, 0, 0)
    assert memory.on_ctx == ((1, "KeepsBackward", "again", 8),)


def test_what_only_waits_for_the_garbage_collector_is_not_alive():
    class Holder:
        pass

    gc.disable()
    try:
        with saved_memory() as memory:
            cycle = Holder()
            cycle.own, cycle.tensor = cycle, torch.ones(10)
            del cycle
    finally:
        gc.enable()
    assert (memory.made_bytes, memory.alive_bytes) == (40, 0)


def test_what_is_held_elsewhere_is_said_to_be():
    w = leaf(1.0, 2.0)

    def forward(keep):
        with saved_memory() as memory:
            keep.append(w * 3)
            keep.append(torch.ones(5))
        return memory

    def inner():
        kept = []
        return forward(kept), kept

    memory, kept = inner()
    assert by_why(memory) == {"yours": 28}  # keep is a variable of the function with the block

    class Hidden:  # a class is not looked into
        tensor = None

    with saved_memory() as memory:
        Hidden.tensor = torch.ones(7)
    assert by_why(memory) == {"unknown": 28}
    assert "held elsewhere" in str(memory)
    assert len(kept) == 2


def test_a_leaf_that_only_the_graph_holds_is_told_from_what_is_held_elsewhere():
    def forward():  # the layer is gone; its bias is not saved, but its gradient has a place
        return nn.Linear(3, 5)(torch.ones(2, 3)).sum()

    with saved_memory() as memory:
        loss = forward()
    assert by_why(memory) == {"nodes": 24, "yours": 4, "leaves": 80}
    assert memory.alive_now == 108
    assert "leaves of the graph, whose .grad backward is to fill" in str(memory)
    del loss
    assert memory.alive_now == 0


def test_graphs_of_more_results_than_can_be_looked_at_are_said_to_be_left_out():
    class Hidden:
        results = []

    x = leaf(1.0)
    with saved_memory() as memory:
        Hidden.results += [x.exp() for _ in range(1010)]
    assert memory.more and memory.nodes == 1001 and memory.total_bytes == 4000
    assert by_why(memory) == {"nodes": 4000, "unknown": 40}
    assert "perhaps by graphs of older results, which were not looked at" in str(memory)
    with saved_memory() as memory:
        y = x.exp()
    assert not memory.more and y.numel() == 1


def test_views_in_place_changes_and_what_came_in_are_not_made():
    x, y = torch.ones(10), torch.zeros(10)
    with saved_memory() as memory:
        view = x.view(2, 5)[0]
        x.add_(1)
        torch.add(x, 1, out=y)
        same = x.detach()
    assert (memory.made, memory.made_bytes, memory.alive_bytes) == (0, 0, 0)
    with saved_memory() as memory:
        grown = torch.empty(0)
        torch.arange(4.0, out=grown)
        literal = torch.tensor([1.0, 2.0])
        pieces = torch.ones(6).split(2)
        parameter = nn.Parameter(torch.ones(3))
    assert (memory.made, memory.made_bytes, memory.alive_bytes) == (4, 60, 60)
    assert view is not same and literal is not pieces and parameter is not None


def test_more_is_made_than_is_remembered():
    from lecture_helpers import alive

    kept = []
    old, alive.PRUNE_AT = alive.PRUNE_AT, 10
    try:
        with saved_memory() as memory:
            for place in range(100):
                made = torch.ones(5)
                if place % 10 == 0:
                    kept.append(made)
            del made
    finally:
        alive.PRUNE_AT = old
    assert (memory.made, memory.made_bytes, memory.alive_bytes) == (100, 2000, 200)


def test_blocks_may_be_nested_and_entered_again():
    w = leaf(1.0, 2.0)
    with saved_memory() as outer:
        first = w.exp()
        with saved_memory() as inner:
            second = first.exp()
    assert (outer.made_bytes, inner.made_bytes) == (16, 8)
    assert outer.total_bytes == 16 and inner.total_bytes == 16 and inner.earlier_bytes == 8
    assert outer.results == inner.results == ("second",)
    with inner:
        pass
    assert (inner.made_bytes, inner.total_bytes, inner.nodes) == (0, 0, 0)
    assert second.requires_grad


def test_a_block_with_inputs_and_one_in_which_nothing_is_tracked():
    w, x = leaf(1.0, 2.0), leaf(3.0, 4.0)
    block = saved_memory(inputs=x)
    with block as memory:
        loss = (w * x).sum()
    assert parts(memory) == (16, 8, 8, 0) and loss.requires_grad
    with saved_memory() as memory, torch.no_grad():
        value = w * 2
    assert parts(memory) == (0, 0, 0, 0) and by_why(memory) == {"yours": value.nbytes}


def test_a_result_whose_backward_sends_nothing_and_several_results():
    x = leaf(1.0, 2.0)
    with saved_memory() as memory:
        a = SendsNothing.apply(x).exp()
        b = x.sin()
    assert memory.results == ("a", "b") and memory.total_bytes == 16
    assert a is not b


@pytest.mark.parametrize("wrong, words", [
    (None, "saved_memory was given None"),
    (3, "saved_memory was given int, which holds no tensor"),
    ([], "saved_memory was given list, which holds no tensor"),
])  # fmt: skip
def test_what_holds_no_tensor_is_refused(wrong, words):
    with pytest.raises(TypeError, match=words):
        saved_memory(wrong)
    with pytest.raises(TypeError, match=words):
        saved_memory(inputs=wrong) if wrong is not None else saved_memory(x=wrong)


def test_a_node_a_module_alone_and_too_many_tensors_are_refused():
    x = leaf(1.0)
    with pytest.raises(TypeError, match="was given a node .* pass the tensor, not its grad_fn"):
        saved_memory((x * 2).grad_fn)
    with pytest.raises(TypeError, match="saved_memory was given no tensor; pass the tensor whose"):
        saved_memory(nn.Linear(1, 1))
    with pytest.raises(ValueError, match=r"saved_memory was given 10,001 computed tensors"):
        saved_memory([x * 2 for _ in range(10_001)])


def test_a_block_is_asked_after_its_end_and_not_entered_twice():
    memory = saved_memory()
    for name in ("total_bytes", "alive", "made_bytes", "peak_bytes"):
        with pytest.raises(RuntimeError, match="is known when its block has ended"):
            getattr(memory, name)
    assert memory.alive_now == 0 and "nothing watched yet" in str(memory)
    with memory:
        assert "watching" in str(memory)
        with pytest.raises(RuntimeError, match="watching already"):
            memory.__enter__()
    assert memory.total_bytes == 0
    with memory, pytest.raises(RuntimeError, match="is known when its block has ended"):
        memory.total_bytes  # noqa: B018  (not what an earlier block found)
