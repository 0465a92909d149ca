"""The engine's own graph, walked here by other means than the helpers use."""

from collections import deque

import torch

MOST_NODES = 6000  # this walk wraps nodes too, so it is bounded like any other


def engine_nodes(*tensors, most_nodes=MOST_NODES):
    """Return the engine's nodes behind ``tensors``, breadth first, each once."""
    queue = deque(edge_of(tensor)[0] for tensor in tensors if tensor.requires_grad)
    seen = {}
    while queue:
        node = queue.popleft()
        if node in seen:
            continue
        seen[node] = True
        assert len(seen) <= most_nodes
        queue += [source for source, _ in node.next_functions if source is not None]
    return list(seen)


def edge_of(tensor):
    """Return (node, output_nr) of a tensor that requires grad."""
    edge = torch.autograd.graph.get_gradient_edge(tensor)
    return edge.node, edge.output_nr


def assert_is_engine_graph(graph, *tensors, most_nodes=MOST_NODES):
    """Assert that ``graph`` is the engine's graph of ``tensors``, one to one.

    Both are walked in step from the outputs; every input position must lead to the
    same place, so this finds any node or edge that is missing, added or merged.

    Returns:
        For each of the engine's nodes the id of ours.
    """
    inputs = {node.id: {} for node in graph.nodes}
    for edge in graph.edges:
        assert edge.input_nr not in inputs[edge.target]
        inputs[edge.target][edge.input_nr] = (edge.source, edge.output_nr)
    tracked = [tensor for tensor in tensors if tensor.requires_grad]
    outputs = [out for out in graph.outputs if graph.nodes[out.node].grad_fn is not None]
    places = dict.fromkeys(edge_of(tensor) for tensor in tracked)
    assert len(outputs) == len(places)
    pairs, open_pairs = {}, []
    for (node, output_nr), output in zip(places, outputs):
        assert output.output_nr == output_nr
        open_pairs.append((node, output.node))
    while open_pairs:
        node, place = open_pairs.pop()
        if node in pairs:
            assert pairs[node] == place
            continue
        pairs[node] = place
        ours = graph.nodes[place]
        assert ours.grad_fn == type(node).__name__
        theirs = {nr: pair for nr, pair in enumerate(node.next_functions) if pair[0] is not None}
        assert set(inputs[place]) == set(theirs)
        assert ours.untracked == tuple(
            nr for nr, pair in enumerate(node.next_functions) if pair[0] is None
        )
        assert ours.shapes == tuple(tuple(made.shape) for made in node._input_metadata)
        for nr, (source, output_nr) in theirs.items():
            assert inputs[place][nr][1] == output_nr
            open_pairs.append((source, inputs[place][nr][0]))
    assert len(set(pairs.values())) == len(pairs)
    assert len(pairs) == len(engine_nodes(*tensors, most_nodes=most_nodes))
    assert sum(node.grad_fn is not None for node in graph.nodes) == len(pairs)
    assert len(graph.edges) == sum(
        source is not None for node in pairs for source, _ in node.next_functions
    )
    return pairs
