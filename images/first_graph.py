"""The README's picture: what ``show_graph`` draws for a small loss."""

import torch

from lecture_helpers import show_graph


def draw() -> str:
    """Return the graph of the README's example."""
    x = torch.tensor([1.0, 2.0, 3.0])
    w = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    h = torch.relu(w * x + b)
    loss = (h**2 + 3 * h).mean()
    return show_graph(loss).to_svg()
