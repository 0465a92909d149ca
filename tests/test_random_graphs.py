"""Property tests: any program of tensor operations gives the engine's graph and a sound SVG."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import assert_is_engine_graph
from sound import assert_sound

from lecture_helpers import show_graph


class Swap(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.set_materialize_grads(False)
        return b * 2, a * 3

    @staticmethod
    def backward(ctx, g, h):
        return None if h is None else h * 3, None if g is None else g * 2


OPERATIONS = {
    "add": lambda a, b: [a + b],
    "mul": lambda a, b: [a * b],
    "scale": lambda a, b: [a * 2.0],
    "sin": lambda a, b: [torch.sin(a)],
    "detach": lambda a, b: [a.detach()],
    "split": lambda a, b: list(torch.cat([a, b]).split(2)),
    "max": lambda a, b: [torch.stack([a, b]).max(0).values],
    "custom": lambda a, b: list(Swap.apply(a, b)),
    "view in place": lambda a, b: [_in_place(a, b)],
}


def _in_place(a, b):
    made = a * 1.0
    made[:1].mul_(b[:1])
    return made


@st.composite
def programs(draw):
    """Return the tensors of a random program and the numbers of those to show."""
    tensors = [
        torch.tensor([1.0, 2.0], requires_grad=draw(st.booleans()))
        for _ in range(draw(st.integers(1, 4)))
    ]
    for _ in range(draw(st.integers(0, 14))):
        pick = st.integers(0, len(tensors) - 1)
        operation = OPERATIONS[draw(st.sampled_from(sorted(OPERATIONS)))]
        tensors += operation(tensors[draw(pick)], tensors[draw(pick)])
    shown = draw(st.lists(st.integers(0, len(tensors) - 1), min_size=1, max_size=3, unique=True))
    return tensors, shown


WORDS = st.text(max_size=40)


@settings(max_examples=120, deadline=None)
@given(programs(), WORDS)
def test_random_program(program, words):
    tensors, shown = program
    outputs = [tensors[number] for number in shown]
    graph = show_graph(outputs, **{"x" + words: tensors[0]})
    requested = outputs if any(t is tensors[0] for t in outputs) else graph_outputs(graph, program)
    assert_is_engine_graph(graph, *requested)
    assert_sound(graph)


def graph_outputs(graph, program):
    """The tensors asked for: those shown, and the first where nothing shown depends on it."""
    tensors, shown = program
    outputs = [tensors[number] for number in shown]
    return outputs + [tensors[0]] if len(graph.outputs) > len(outputs) else outputs
