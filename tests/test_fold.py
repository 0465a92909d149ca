"""The folding of repeated parts in a large picture."""

import re
import time
import xml.etree.ElementTree as ET

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lecture_helpers import show_graph
from lecture_helpers.draw.fold import MOST_LEAVES, folded
from lecture_helpers.draw.scene import FOLD_ABOVE, MOST_NODES, scene_of


def leaf(*values):
    return torch.tensor(list(values), requires_grad=True)


def headlines(graph):
    return [group.words[0] for group in folded(graph, MOST_NODES[0])[1]]


def running_total(steps):
    w, x, total = leaf(1.0, 2.0, 3.0), torch.ones(3), 0
    for _ in range(steps):
        total = total + (w * x).sum()
    return total


def test_a_running_total_is_drawn_as_its_ends_and_what_repeats():
    total = running_total(100)
    graph = show_graph(total)
    assert len(graph.nodes) == 301
    assert headlines(graph) == ["97 × the same 3 operations"]
    words = "".join(ET.fromstring(graph.to_svg()).itertext())
    assert "mul, sum, add" in words and "291 of 301 nodes are folded away" in words


def test_the_leaves_that_only_a_folded_part_uses_fold_with_it():
    net = nn.Sequential(*[m for _ in range(40) for m in (nn.Linear(4, 4), nn.ReLU())])
    graph = show_graph(net(torch.ones(2, 4)).sum(), net)
    shown, (group,) = folded(graph, MOST_NODES[0])
    assert group.words == ("37 × the same 3 operations", "relu, t, addmm", "and 74 leaves")
    assert len(group.nodes) == 37 * 3 + 74
    names = [node.name for node in shown if node.is_leaf]
    assert names == [f"{layer}.{part}" for layer in (0, 2, 78) for part in ("weight", "bias")]


def test_loops_inside_a_loop_fold_too():
    w = leaf(1.0, 2.0)
    chains = []
    for _ in range(30):
        y = w
        for _ in range(50):
            y = y * 2
        chains.append(y.sum())
    graph = show_graph(sum(chains))
    assert "28 × the same 51 operations" in headlines(graph)


def test_what_does_not_repeat_is_cut_off_at_the_left():
    operations = [torch.sin, torch.cos, torch.exp, torch.tanh, torch.sigmoid]
    y, number = leaf(0.1), 1
    for _ in range(300):
        number = number * 48271 % 2147483647  # no period that fits in here
        y = operations[number % 5](y)
    assert headlines(show_graph(y)) == ["284 more operations"]


def test_an_operation_with_a_thousand_leaves_shows_some_of_them():
    graph = show_graph(torch.stack([leaf(1.0) for _ in range(1000)]).sum())
    shown, groups = folded(graph, MOST_NODES[0])
    assert len(shown) == MOST_LEAVES + 2
    assert groups[0].words == (f"{1000 - MOST_LEAVES} more leaves", "not drawn")


def random_program(choices):
    """Build a tensor from a list of numbers; equal stretches of it give equal stretches."""
    made = [leaf(0.5), leaf(0.25)]
    for choice in choices:
        one, other = made[-1], made[-1 - choice // 4 % min(3, len(made))]
        made.append([one + other, one * other, torch.sin(one), torch.tanh(other)][choice % 4])
    return made[-1] + made[-2]


programs = st.tuples(
    st.lists(st.integers(0, 11), max_size=30), st.lists(st.integers(0, 11), max_size=6),
    st.integers(0, 40), st.lists(st.integers(0, 11), max_size=30),
).map(lambda parts: parts[0] + parts[1] * parts[2] + parts[3])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(programs)
def test_every_node_is_drawn_once_or_in_one_group_and_no_arrow_is_lost(choices):
    graph = show_graph(random_program(choices))
    shown, groups = folded(graph, 20)
    ids = [node.id for node in shown] + [node for group in groups for node in group.nodes]
    assert sorted(ids) == [node.id for node in graph.nodes]
    for group in groups:
        if match := re.fullmatch(
            r"([\d,]+) × the same (?:([\d,]+) operations|operation)", group.words[0]
        ):
            times, each = (int((part or "1").replace(",", "")) for part in match.groups())
            operations = [node for node in group.nodes if not graph.nodes[node].is_leaf]
            assert len(operations) == times * each
            classes = [graph.nodes[node].grad_fn for node in operations]
            assert classes == classes[:each] * times
    assert is_acyclic(arrows(graph, shown, groups))


@settings(max_examples=60, deadline=None)
@given(programs)
def test_the_scene_has_an_arrow_wherever_the_graph_has_an_edge(choices):
    graph = show_graph(random_program(choices))
    few = len(graph.nodes) <= FOLD_ABOVE
    shown, groups = (graph.nodes, ()) if few else folded(graph, MOST_NODES[0])
    scene = scene_of(graph)
    drawn = {link[:2] for link in scene.links}
    assert len(drawn) == len(arrows(graph, shown, groups)) + 1  # the result's own
    assert all(shape.mark.startswith("data-") for shape in scene.shapes)


def arrows(graph, shown, groups):
    """The edges between what is drawn, each pair once."""
    place = {node.id: ("node", node.id) for node in shown}
    place.update({node: ("group", n) for n, group in enumerate(groups) for node in group.nodes})
    between = {(place[edge.source], place[edge.target]) for edge in graph.edges}
    return {(source, target) for source, target in between if source != target}


def is_acyclic(links):
    links = set(links)
    while links:
        targets = {target for _, target in links}
        free = {link for link in links if link[0] not in targets}
        if not free:
            return False
        links -= free
    return True


def test_fold_false_draws_every_node():
    graph = show_graph(running_total(60), fold=False)
    svg = graph.to_svg()
    assert svg.count("data-node=") == len(graph.nodes) == 181
    assert "data-more" not in svg


@pytest.mark.parametrize("program", [
    lambda: running_total(700), lambda: one_leaf_everywhere(900),
], ids=["more than 1,000 nodes", "arrows across 400,000 columns"])  # fmt: skip
def test_fold_false_still_folds_what_could_not_be_laid_out_in_time(program):
    graph = show_graph(program(), fold=False)
    start = time.perf_counter()
    svg = graph.to_svg()
    assert time.perf_counter() - start < 5
    assert "data-more" in svg and "are folded away" in svg


def one_leaf_everywhere(steps):
    x = leaf(1.0)
    first = y = torch.sin(x)
    for _ in range(steps):
        y = y * first
    return y


def test_a_group_stands_for_the_very_same_operations():
    leaves = [
        leaf(1.0) if n % 3 else leaf(1.0).detach().double().requires_grad_() for n in range(60)
    ]
    mixed = show_graph(torch.stack([(x * 2).float() for x in leaves]).sum())
    assert not any(words.startswith("58 ×") for words in headlines(mixed))
    sizes = torch.cat([leaf(*[1.0] * (1 + n)) * 2 for n in range(60)])
    assert headlines(show_graph(sizes)) == [f"{60 - MOST_LEAVES} more leaves"]


def test_a_part_that_comes_three_times_is_drawn_three_times():
    y = leaf(0.5)
    for _ in range(30):
        y = y.sin().sin().sin().cos()
    assert headlines(show_graph(y)) == ["27 × the same 4 operations"]


def test_a_loop_over_the_parts_of_a_tensor_folds():
    rows = leaf(*map(float, range(300))) * 1
    state = torch.zeros(())
    for x in rows:
        state = torch.tanh(state + x)
    assert headlines(show_graph(state)) == ["297 × the same 2 operations"]


def test_of_large_blocks_only_the_last_is_drawn():
    operations = [torch.sin, torch.cos, torch.exp, torch.tanh, torch.sigmoid, torch.neg]
    y = leaf(0.1)
    for _ in range(6):
        for number in map(int, "012345024135031425105234051324"):  # no stretch of it repeats
            y = operations[number](y)
    graph = show_graph(y)
    assert headlines(graph) == ["4 × the same 30 operations"]
    assert len(folded(graph, MOST_NODES[0])[0]) == 60 + 1


def test_of_many_leaves_the_last_stand_there_and_one_asked_for_too():
    leaves = [leaf(1.0) for _ in range(60)]
    graph = show_graph(torch.stack(leaves).sum())
    shown, _ = folded(graph, MOST_NODES[0])
    names = [node.name for node in shown if node.is_leaf]
    assert names == [f"leaves[{n}]" for n in range(60 - MOST_LEAVES, 60)]
    chain, single = torch.sin(leaves[0]), leaves[30]
    for _ in range(60):
        chain = torch.sin(chain + leaf(1.0))
    shown, _ = folded(show_graph(chain, single), MOST_NODES[0])
    assert "single" in [node.name for node in shown]


def tangled(nodes, leaves):
    sources = [leaf(1.0) for _ in range(leaves)]
    y, number = sources[0], 1
    for _ in range(nodes):
        number = number * 48271 % 2147483647
        y = torch.stack([y, *sources[: 12 + number % 8]]).sum(0)
    return y


@pytest.mark.parametrize("fold", [True, False])
def test_a_tangle_is_drawn_small_enough_to_be_quick(fold):
    graph = show_graph(tangled(34, 24), fold=fold)
    start = time.perf_counter()
    svg = graph.to_svg()
    assert time.perf_counter() - start < 3
    assert svg.count("data-node=") <= 16 + MOST_LEAVES


def test_very_many_of_anything_at_one_box_or_side_by_side_stay_readable():
    wide = show_graph(torch.stack(torch.ones(3000, requires_grad=True).unbind()).sum())
    assert float(ET.fromstring(wide.to_svg()).get("height")) < 400
    assert "at most 12 circles or numbered outputs are drawn at one box" in "".join(
        ET.fromstring(wide.to_svg()).itertext()
    )
    alone = show_graph([leaf(1.0) for _ in range(3000)])
    assert float(ET.fromstring(alone.to_svg()).get("height")) < 3000
    assert "2,976 more leaves" in "".join(ET.fromstring(alone.to_svg()).itertext())
