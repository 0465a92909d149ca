"""The check of exercise 4.2 a: a training loop with four bugs, each with its own symptom."""

import torch

from .checking import Case, Verdict, check_recording, tensor_of
from .looks import STILL_OFF, rounded
from .registry import exercise

THREE = [[0.0], [1.0], [2.0]], [1.0, 3.0, 2.0]


@exercise("4.2 a", kind="repair")
def check_mended_fit(function) -> Verdict:
    """Check exercise 4.2 a: a loop over a layer with one output, mended.

    ``function(net, x, y, lr, steps)`` takes inputs of shape (N, 1) and labels of shape (N,).
    It takes so many steps of plain gradient descent on the mean squared error, and returns
    the loss of each, before its update, as a list of floats.
    """
    asked = [
        ("one point, one step", ([[2.0]], [5.0]), 1, None),
        ("one point, three steps", ([[2.0]], [5.0]), 3, None),
        ("three points, one step", THREE, 1, None),
        ("three points, three steps", THREE, 3, None),
        ("three points, where both .grad already hold 100.0, two steps", THREE, 2, 100.0),
    ]
    cases, kept = [], []
    for words, (inputs, labels), steps, stale in asked:
        x, y = tensor_of(inputs), tensor_of(labels)
        net, twin = _net(stale), _net(None)
        losses = _trained(twin, x, y, steps)
        looks = _looks_at_net(net, twin, kept)
        cases.append(Case(f"data = {words}", (net, x, y, 0.1, steps), losses, looks))

    def read(*given):
        """Return the losses as numbers, and keep what came besides: who keeps a graph."""
        came = function(*given)
        kept[:] = came if isinstance(came, list) else []
        if isinstance(came, list) and all(isinstance(one, torch.Tensor) for one in came):
            return [one.item() if one.numel() == 1 else one for one in came]
        return came

    return check_recording(read, cases)


def _net(stale) -> torch.nn.Linear:
    net = torch.nn.Linear(1, 1)
    net.weight = torch.nn.Parameter(tensor_of([[1.0]]))
    net.bias = torch.nn.Parameter(tensor_of([0.0]))
    for parameter in net.parameters():
        parameter.grad = stale and torch.full_like(parameter, stale)
    return net


def _trained(net, x, y, steps) -> list:
    """Train with PyTorch's own optimizer; return the losses."""
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.1), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _looks_at_net(net, twin, kept):
    """Return a look at the parameters after the training, and at what the list keeps alive."""
    before = dict(net.named_parameters())

    def look():
        for name, parameter in net.named_parameters():
            came, expected = (
                rounded(one.flatten()) for one in (parameter, twin.get_parameter(name))
            )
            if came != expected:
                return (
                    f"the losses are right, but net.{name} then holds {came}; expected {expected}"
                )
            if parameter is not before[name] or not parameter.requires_grad:
                return (
                    f"the numbers are right, but net.{name} is another tensor now or no longer "
                    f"requires grad; expected the same parameter, changed in place"
                )
        if any(isinstance(one, torch.Tensor) and one.requires_grad for one in kept):
            return (
                "the numbers are right, but your list keeps graphs alive, one for each step; "
                "expected floats"
            )
        if any(isinstance(one, torch.Tensor) for one in kept):
            return "the numbers are right, but your list holds tensors; expected floats"
        if not torch.is_grad_enabled():
            return STILL_OFF
        return None

    return look
