"""Small programs that run on any device, with numbers that every device computes exactly.

Each takes the device and returns what it computed: a dict of tensors and numbers. What they
are to keep to stands in ``report``.
"""

import threading

import torch
from recorded import assert_recorded
from sound import Cube
from torch.utils.checkpoint import checkpoint

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def report(device, begin) -> dict:
    """Run every program; return numbers, and where the tensors and nodes were.

    begin: told the name of each before it runs.
    """
    return {
        name: begin(f"program {name}") or looked_at(run(device)) for name, run in PROGRAMS.items()
    }


def looked_at(made) -> dict:
    """Return the values and gradients of a program; record its backward beside the engine's."""
    tensors = {name: thing for name, thing in made.items() if isinstance(thing, torch.Tensor)}
    loss = made.get("loss")
    where = {str(tensor.device) for tensor in tensors.values()}
    threads = set()
    if loss is not None:
        where |= devices_behind(loss)
        hook = loss.grad_fn.register_hook(lambda *_: threads.add(threading.get_ident()))
        loss.backward(retain_graph=True)
        hook.remove()
        assert_recorded(loss)
    return {
        "values": {
            name: thing.tolist() if name in tensors else thing for name, thing in made.items()
        },
        "grads": {
            name: tensor.grad.tolist()
            for name, tensor in tensors.items()
            if tensor.is_leaf and tensor.grad is not None
        },
        "where": sorted(where),
        "own thread": None if loss is None else threading.get_ident() not in threads,
    }


def devices_behind(loss) -> set:
    """Return the devices of all nodes and leaves of a graph."""
    found, waiting = {}, [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            about = [node.variable] if hasattr(node, "variable") else node._input_metadata
            found[node] = {str(one.device) for one in about}
            waiting += [source for source, _ in node.next_functions]
    return set().union(*found.values())


def leaf(values, device, **options):
    return torch.tensor(values, device=device, requires_grad=True, **options)


@program
def diamond(device):
    x = leaf(2.0, device)
    u = 3 * x
    loss = (u + 1) * u**2
    return {"x": x, "u": u, "loss": loss}


@program
def matrices(device):
    a, b = leaf([[2.0, 3.0], [1.0, 4.0]], device), leaf([[1.0, 2.0], [3.0, 1.0]], device)
    product = a @ b.T
    return {"a": a, "b": b, "product": product, "loss": product.relu().sum() * 0.5}


@program
def broadcast_and_reduce(device):
    x, row = leaf([[1.0, -2.0, 3.0], [4.0, 0.0, -6.0]], device), leaf([1.0, 2.0, 4.0], device)
    both = x * row
    loss = both.amax(1).sum() + both.cumsum(0).sum(1).prod() + both.abs().prod(1).sum()
    return {"x": x, "row": row, "loss": loss}


@program
def views_and_positions(device):
    x = leaf([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], device)
    left, right = x.split(1, dim=1)
    picked = x[torch.tensor([2, 0])]  # positions may stand on the host
    parts = torch.cat([left.view(3), right.squeeze(1), x.flatten()[1::2], picked.reshape(-1)])
    sorted_, order = parts.sort(descending=True, stable=True)
    where = torch.where(parts > 2, parts, torch.zeros_like(parts))
    loss = (sorted_[:4] ** 2).sum() + where.sum() + x.T.contiguous()[1].sum()
    return {"x": x, "order": order, "loss": loss, "shares": left.data_ptr() == x.data_ptr()}


@program
def changed_in_place(device):
    x = leaf([1.0, 2.0, 3.0], device)
    y = x * 2
    part = y[1:]
    part += 5
    y[0] = 7.0
    versions = [y._version, part._version, y.detach()._version]
    return {"x": x, "y": y, "versions": versions, "loss": (y * y.detach()).sum()}


@program
def of_several_types(device):
    x = leaf([1.5, -2.5], device, dtype=torch.float64)
    z = leaf([1 + 2j, 3j], device)
    loss = (x.to(torch.float32) * 2).sum() + (z * z.conj()).real.sum() + x.round().sum()
    return {"x": x, "z": z, "signs": x > 0, "whole": x.long(), "loss": loss}


@program
def checkpointed(device):
    x, w = leaf([1.0, 2.0], device), leaf([3.0, -1.0], device)
    kept = checkpoint(lambda a: (a * w).relu() * a, x, use_reentrant=False)
    again = checkpoint(lambda a: a * a * w, x, use_reentrant=True)
    (kept.sum() + again.sum()).backward()
    return {"x": x, "w": w}


@program
def own_function(device):
    x = leaf([1.0, 2.0], device)
    return {"x": x, "loss": Cube.apply(x).sum()}


@program
def second_derivative(device):
    x = leaf(2.0, device)
    (slope,) = torch.autograd.grad(x**3, x, create_graph=True)
    return {"x": x, "slope": slope, "loss": slope * x}


@program
def untracked(device):
    x = leaf([1.0, 2.0], device)
    with torch.no_grad():
        without = x * 2
        x += 1
    with torch.inference_mode():
        inference = x * 2
    flags = [t.requires_grad for t in (x, without, inference, x.detach())]
    return {"x": x, "without": without, "inference": inference, "flags": flags}


@program
def trained(device):
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    with torch.no_grad():
        for count, parameter in enumerate(net.parameters()):
            parameter.fill_(0.5 - 0.25 * count)
    net = net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.5)
    x, y = (torch.tensor(values, device=device) for values in ([[1.0, 2.0]], [[1.0]]))
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    weights = {name: held.detach() for name, held in net.named_parameters()}
    return {"losses": losses, **weights}


MIXED = {
    "a sum": lambda here, there: here + there,
    "a matrix product": lambda here, there: here @ there,
    "a list": lambda here, there: torch.stack([here, there]),
    "a choice": lambda here, there: torch.where(here > 0, here, there),
    "an update in place": lambda here, there: here.detach().mul_(there),
    "a gradient": lambda here, there: setattr(here, "grad", there),
    "an array": lambda here, there: here.detach().numpy(),
}


def refused(device) -> dict:
    """Return the class of the error for each way to mix a device with the host.

    None where nothing was raised. A number in a tensor of the host may be mixed in.
    """
    found = {name: error_of(mix, leaf([1.0, 2.0], device)) for name, mix in MIXED.items()}
    found["a number"] = (leaf([1.0, 2.0], device) * torch.tensor(3.0)).tolist()
    return found


def error_of(mix, here):
    try:
        mix(here, torch.tensor([1.0, 2.0]))
    except (RuntimeError, TypeError) as error:
        return type(error).__name__
    return None
