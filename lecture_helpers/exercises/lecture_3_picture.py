"""The exercise of section 3.2 that starts from a picture; ``lecture_3`` offers it."""

from ..graph import Graph, show_graph
from .checking import Case, Verdict, check_drawn, leaf_of
from .registry import exercise


def graph_to_read() -> Graph:
    """Return the graph that exercise 3.2 b shows, for a = 3 and b = 6."""
    a, b = leaf_of(3.0), leaf_of(6.0)
    h = a**2
    ratio = h / a.detach()
    y = ratio - b
    return show_graph(y)


@exercise("3.2 b", kind="picture")
def check_recorded(function) -> Verdict:
    """Check exercise 3.2 b: a function that records the graph of ``graph_to_read``.

    ``function(a, b)`` takes two tensors of one shape that require grad. It returns a
    tensor of that shape, with the value and the graph of ``a² / (a detached) - b``.
    """
    asked = [
        ("a = 3.0, b = 6.0, as in the picture", 3.0, 6.0),
        ("a = 2.0, b = -1.0", 2.0, -1.0),
        ("a = [1.0, -4.0], b = [0.5, 2.0]", [1.0, -4.0], [0.5, 2.0]),
    ]
    cases = []
    for words, a, b in asked:
        a, b = leaf_of(a), leaf_of(b)
        cases.append(Case(words, (a, b), a**2 / a.detach() - b))
    return check_drawn(function, cases)
