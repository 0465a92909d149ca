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
    return [group.words[0] for group in folded(graph, MOST_NODES)[1]]


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
    shown, (group,) = folded(graph, MOST_NODES)
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
    shown, groups = folded(graph, MOST_NODES)
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
    shown, groups = (graph.nodes, ()) if few else folded(graph, MOST_NODES)
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
