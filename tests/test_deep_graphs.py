"""How deep show_graph walks: whole where that is safe, cut where it would kill the interpreter."""

import inspect
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import engine_nodes
from sound import assert_drawn, leaf

from lecture_helpers import grad_table, show_graph
from lecture_helpers.walk import SMALL_STACK_LEVELS, safe_depth, walk


def chain(x, levels):
    for _ in range(levels):
        x = x + 1
    return x


def residual(x, blocks):
    for _ in range(blocks):
        x = x + torch.sin(x)
    return x


def every_step_feeds_the_loss(x, steps):
    loss = h = x
    for _ in range(steps):
        h = torch.tanh(h)
        loss = loss + h
    return loss


def joined_by_cat(x, steps):
    states = [x.reshape(1)]
    for _ in range(steps):
        states.append(torch.tanh(torch.sin(states[-1] * 2) + 1))
    return torch.cat(states).sum()


def joined_by_stack(x, steps):
    states = [x]
    for _ in range(steps):
        states.append(torch.tanh(states[-1]))
    return torch.stack(states).sum()


def joined_by_a_custom_function(x, steps):
    class Last(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *states):
            return states[-1].clone()

    states = [x]
    for _ in range(steps):
        states.append(torch.tanh(states[-1]))
    return Last.apply(*states)


def longest_path(walked):
    """Nodes on the longest path through what was read; what a read node names counts too."""
    inputs, lengths = dict(walked.forward()), {}

    def length(node):  # recursive: the graphs of these tests are shallow
        if node not in lengths:
            sources = [source for source, _ in inputs[node] if source is not None]
            lengths[node] = 1 + max(map(length, sources), default=0)
        return lengths[node]

    return max(map(length, inputs))


def test_a_node_that_reads_every_state_does_not_hide_the_depth():
    h, states = leaf([1.0]), []
    for _ in range(100):
        h = torch.tanh(h)
        states.append(h)
    for joined in (torch.cat(states), torch.stack(states)):
        walked = walk([joined.grad_fn], depth=30)
        assert walked.unread
        read = [node for node, inputs in walked.forward() if inputs]
        assert len(read) <= 31
    assert walk([joined.grad_fn], depth=30).unread == {joined.grad_fn}
    assert not walk([joined.grad_fn], depth=101).unread


@pytest.mark.parametrize("program", [residual, every_step_feeds_the_loss])
def test_walk_stops_at_the_longest_path_not_the_shortest(program):
    y = program(leaf(1.0), 100)
    walked = walk([y.grad_fn], depth=30)
    assert walked.unread
    assert 30 <= longest_path(walked) <= 32
    assert not walk([y.grad_fn], depth=1000).unread


def test_a_view_whose_base_changed_is_walked_whole_where_it_is_small():
    x = leaf([1.0, 2.0, 3.0])
    base = x * 2
    view = base[:2]
    for _ in range(40):
        base.mul_(1.5)
    result = view.sum()
    whole, cut = walk([result.grad_fn]), walk([result.grad_fn], depth=10)
    assert not whole.unread and len(list(whole.forward())) == len(engine_nodes(result))
    assert cut.unread and longest_path(cut) <= 21


class FakeNode:
    """Stands for an engine's node, with any number the engine could have given it."""

    def __init__(self, number, sources):
        self.next_functions = tuple((source, 0) for source in sources)
        self._number = number

    def _sequence_nr(self):
        return self._number


@st.composite
def fake_graphs(draw):
    nodes = []
    for count in range(draw(st.integers(2, 40))):
        pick = st.lists(st.integers(0, count - 1), max_size=3) if count else st.just([])
        sources = [nodes[at] for at in draw(pick)] + nodes[-1:]  # always one deep chain
        number = count if draw(st.booleans()) else draw(st.integers(0, 50))
        nodes.append(FakeNode(number, sources))
    roots = draw(st.lists(st.sampled_from(nodes), max_size=2))
    return [nodes[-1], *roots], len(nodes)


@settings(max_examples=300, deadline=None)
@given(fake_graphs(), st.integers(1, 12))
def test_no_order_of_numbers_lets_the_walk_go_deeper_than_twice_its_depth(graph, depth):
    roots, count = graph
    walked = walk(roots, depth)
    assert longest_path(walked) <= 2 * depth + 2
    whole = walk(roots, depth=2 * count)
    assert not whole.unread
    assert set(dict(walked.forward())) <= set(dict(whole.forward()))


def test_safe_depth_is_small_in_a_thread():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(safe_depth).result() == SMALL_STACK_LEVELS
    assert safe_depth() >= SMALL_STACK_LEVELS


def test_more_tensors_than_can_be_looked_at_are_refused():
    x = leaf(1.0)
    states = [x * 1 for _ in range(SMALL_STACK_LEVELS + 1)]
    with ThreadPoolExecutor(1) as pool:
        for helper in (show_graph, grad_table):
            with pytest.raises(ValueError, match="given 601 computed tensors; at most 600"):
                pool.submit(helper, states).result()


def test_a_cut_graph_says_so_in_text_and_picture(monkeypatch):
    monkeypatch.setattr("lecture_helpers.graph.walk", lambda roots: walk(roots, depth=5))
    graph = show_graph(residual(leaf(1.0), 20))
    assert len(graph.cut) > 0
    assert "deeper than Python can walk safely" in graph.to_svg()
    assert "from nodes beyond the safe depth" in graph.to_text()


def test_200000_nodes_in_100_chains_are_whole():
    x = torch.ones(100, requires_grad=True)
    chains = list(x.unbind())
    for _ in range(2000):
        chains = [state + 1 for state in chains]
    y = torch.stack(chains)
    del chains
    graph = show_graph(y)
    assert graph.cut == ()
    assert len(graph.nodes) == 200_000 + 3  # the leaf, unbind and stack
    assert len(graph.edges) == 200_000 + 100 + 1  # into each add, into stack, into unbind
    assert_drawn(graph, y, most_nodes=200_003, unrecorded="too large")
    assert "200,003 nodes, 200,101 edges" in str(graph)


CHILD = """
import sys, threading, torch
from lecture_helpers import show_graph

{program}

def body():
    y = {name}(torch.ones((), requires_grad=True), {count})
    graph = show_graph(y)
    print(len(graph.nodes), len(graph.cut), len(str(graph)) < 20000, len(graph.to_svg()) < 100000)
    print(str(graph).splitlines()[-1])
    del y
    print("alive", flush=True)

if {in_thread}:
    threading.stack_size(512 * 1024)
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
else:
    body()
"""
THE_CUT_ONES = {1: "1 node shown here has inputs", 2: "2 nodes shown here have inputs"}


def drawn_and_dropped(program, count, in_thread):
    """Draw and drop a graph in a process of its own; return the three lines it prints."""
    code = CHILD.format(
        program=inspect.getsource(program), name=program.__name__, count=count, in_thread=in_thread
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return done.stdout.splitlines()


needs_main_stack = pytest.mark.skipif(
    safe_depth() < 8_001, reason="needs the 8 MiB main thread of Linux or macOS"
)
on_both_stacks = pytest.mark.parametrize(
    "in_thread",
    [pytest.param(False, marks=needs_main_stack), True],
    ids=["main thread", "thread of 512 KiB"],
)


@needs_main_stack
def test_an_8000_deep_chain_is_whole():
    counts, _, alive = drawn_and_dropped(chain, 8_000, in_thread=False)
    assert (counts, alive) == ("8001 0 True True", "alive")


@on_both_stacks
@pytest.mark.parametrize("program, count, nodes_per_level, cut", [
    (chain, 60_000, 1, 1), (residual, 60_000, 1, 1), (every_step_feeds_the_loss, 20_000, 2, 2),
])  # fmt: skip
def test_a_deep_graph_is_cut_and_the_interpreter_lives(
    program, count, nodes_per_level, cut, in_thread
):
    depth = SMALL_STACK_LEVELS if in_thread else safe_depth()
    counts, last, alive = drawn_and_dropped(program, count, in_thread)
    assert counts == f"{nodes_per_level * depth + 1} {cut} True True"
    assert "deeper than Python can walk safely on this thread" in last
    assert THE_CUT_ONES[cut] in last
    assert alive == "alive"


@pytest.mark.parametrize("program, count, in_thread", [
    pytest.param(joined_by_cat, 20_000, False, marks=needs_main_stack),  # deeper is not guarded
    pytest.param(joined_by_stack, 60_000, False, marks=needs_main_stack),
    pytest.param(joined_by_a_custom_function, 60_000, False, marks=needs_main_stack),
    (joined_by_stack, 60_000, True), (joined_by_a_custom_function, 60_000, True),
])  # fmt: skip
def test_joined_states_of_a_deep_chain_are_cut_and_the_interpreter_lives(program, count, in_thread):
    counts, last, alive = drawn_and_dropped(program, count, in_thread)
    assert counts.endswith("True True") and alive == "alive"
    assert "deeper than Python can walk safely" in last
