"""Checks of exercises 4.3 a and 4.3 b: micro-batches, and a layer that stays frozen."""

import torch

from ..devices import device
from .checking import Case, Verdict, check_recording, tensor_of
from .looks import rounded
from .registry import exercise


@exercise("4.3 a", kind="compute")
def check_accumulate(function) -> Verdict:
    """Check exercise 4.3 a: micro-batches whose gradient is that of the full batch.

    ``function(model, batches)`` takes pairs of inputs and labels of shape (n, 1), with any n.
    It leaves in each ``.grad`` the gradient of the mean squared error over all points, and
    returns that error as a float. The model sees one micro-batch at a time, and the backward
    of each comes before the forward of the next.
    """
    points = ([0.0, 2.5], [1.0, 2.5], [2.0, 3.5], [3.0, 5.5])
    asked = [
        ("one of four points", [4], None),
        ("two of two points", [2, 2], None),
        ("four of one point", [1, 1, 1, 1], None),
        ("three points and one", [3, 1], None),
        ("one point, two and one", [1, 2, 1], None),
        ("two of two points, where each .grad already holds 100.0", [2, 2], 100.0),
    ]
    cases = []
    for words, sizes, stale in asked:
        events, model = [], _net()
        batches = _split(points, sizes)
        error, expected = _full_batch(points)
        for parameter in model.parameters():
            parameter.grad = stale and torch.full_like(parameter, stale)
        watched = _Watched(model, events)
        looks = _looks_at_grads(model, expected, events, sizes)
        cases.append(Case(f"batches = {words}", (watched, batches), error, looks))
    return check_recording(function, cases)


def _net() -> torch.nn.Sequential:
    """Return two layers, with parameters set by hand: h = relu(x · W + a), y = h · V + b."""
    net = torch.nn.Sequential(
        torch.nn.Linear(1, 2, device=device), torch.nn.ReLU(), torch.nn.Linear(2, 1, device=device)
    )
    values = [[[1.0], [-1.0]], [0.5, 2.0], [[1.0, 0.5]], [0.25]]
    with torch.no_grad():
        for parameter, numbers in zip(net.parameters(), values):
            parameter.copy_(tensor_of(numbers))
    return net


def _split(points, sizes) -> list:
    batches, first = [], 0
    for size in sizes:
        part = tensor_of(points[first : first + size])
        batches.append((part[:, :1], part[:, 1:]))
        first += size
    return batches


def _full_batch(points) -> tuple:
    """Return the mean squared error over all points, and its gradients by name."""
    ((x, y),) = _split(points, [len(points)])
    net = _net()
    error = torch.nn.functional.mse_loss(net(x), y)
    error.backward()
    return error.item(), {name: p.grad for name, p in net.named_parameters()}


class _Watched(torch.nn.Module):
    """A model that notes each forward, with its points, and each backward."""

    def __init__(self, model, events):
        super().__init__()
        self.model, self._events = model, events

    def forward(self, x):
        y = self.model(x)
        self._events.append(len(x))
        if y.requires_grad:
            y.register_hook(lambda _gradient: self._events.append("backward"))
        return y


def _looks_at_grads(model, expected, events, sizes):
    """Return a look at the gradients, and at the order of forwards and backwards."""

    def look():
        for name, parameter in model.named_parameters():
            grad, right = parameter.grad, expected[name]
            if grad is None or not torch.allclose(grad, right, rtol=1e-4, atol=1e-5):
                came = "None" if grad is None else rounded(grad.flatten())
                said = f"the gradient of {name} is {came}; expected {rounded(right.flatten())}"
                return f"the number is right, but {said}"
        forwards = [event for event in events if event != "backward"]
        if forwards != sizes:
            return (
                f"the gradients are right, but the model was given {forwards} points; expected "
                f"{sizes}, one micro-batch at a time"
            )
        if events != [event for size in sizes for event in (size, "backward")]:
            return (
                "the gradients are right, but a forward came before the backward of the "
                "micro-batch before it, so several graphs lay in memory; expected one at a time"
            )
        return None

    return look


@exercise("4.3 b", kind="repair")
def check_freeze_layer(function) -> Verdict:
    """Check exercise 4.3 b: a layer frozen so that training leaves nothing of it changed.

    ``function(model, optimizer, name)`` freezes the layer of that name, and returns how many
    numbers its parameters hold. Two steps of training must then change no parameter and no
    buffer of that layer, and compute no gradient for it; the rest learns as before.
    """
    asked = [
        ("SGD", {}, 0, None, "body"),
        ("SGD with weight decay 0.5, after a backward", {"weight_decay": 0.5}, 0, "backward",
         "body"),
        ("SGD with momentum 0.9, after a step", {"momentum": 0.9}, 0, "step", "body"),
        ("SGD, where body has a batch norm", {}, 1, None, "body"),
        ("SGD with momentum 0.9, where body and head have one, after a step", {"momentum": 0.9},
         2, "step", "body"),
        ("SGD, name = body.0, where body.1 is a batch norm and head.0.bias is frozen", {}, 1,
         "frozen bias", "body.0"),
    ]  # fmt: skip
    cases = []
    for words, options, norms, earlier, name in asked:
        model = _model(norms)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, **options)
        if earlier == "step":
            _step(model, optimizer)
        elif earlier == "backward":
            _loss(model).backward()
        elif earlier == "frozen bias":
            model.head[0].bias.requires_grad_(False)
        size = sum(parameter.numel() for parameter in model.get_submodule(name).parameters())
        looks = _looks_at_training(model, optimizer, name)
        cases.append(Case(f"optimizer = {words}", (model, optimizer, name), size, looks))
    return check_recording(function, cases)


def _model(norms) -> torch.nn.Sequential:
    """Return two layers, body and head: with two norms each has a batch norm, with one body."""
    body, head = torch.nn.Linear(1, 2, device=device), torch.nn.Linear(2, 1, device=device)
    with torch.no_grad():
        for linear in (body, head):
            linear.weight.copy_(tensor_of([1.5, -0.5]).reshape(linear.weight.shape))
            linear.bias.fill_(0.5)
    one, other = (torch.nn.BatchNorm1d(2, device=device) for _ in range(2))
    model = torch.nn.Sequential()
    model.add_module("body", torch.nn.Sequential(body, *[one][:norms]))
    model.add_module("head", torch.nn.Sequential(*[other][: max(norms - 1, 0)], head))
    return model


def _loss(model) -> torch.Tensor:
    x, y = tensor_of([[1.0], [2.0], [4.0]]), tensor_of([[1.0], [5.0], [3.0]])
    return ((model(x) - y) ** 2).mean()


def _step(model, optimizer) -> None:
    """Train one step; the reset stands at its end and writes zeros, as in some programs."""
    _loss(model).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)


def _looks_at_training(model, optimizer, layer):
    """Return a look at two steps of training: what moved, and what should have.

    layer: the name of the layer that is to be frozen. What is frozen already stays so.
    """
    still = {name for name, one in model.named_parameters() if not one.requires_grad}

    def look():
        before = {name: value.clone() for name, value in model.state_dict().items()}
        for _ in range(2):
            if not any(parameter.requires_grad for parameter in model.parameters()):
                return "the number is right, but nothing requires grad; expected head to learn"
            _step(model, optimizer)
        for name, value in model.state_dict().items():
            moved = not torch.equal(value, before[name])
            is_frozen = name.startswith(f"{layer}.") or name in still
            if moved and is_frozen:
                return f"the number is right, but training changed {name}; expected it to stay"
            if not moved and not is_frozen:
                return f"the number is right, but {name} stands still; expected it to change"
        for name, parameter in model.get_submodule(layer).named_parameters():
            if parameter.requires_grad or parameter.grad is not None:
                return (
                    f"the number is right and nothing moved, but {layer}.{name} still gets a "
                    f"gradient or holds one; expected none to be computed, and .grad None"
                )
        return None

    return look
