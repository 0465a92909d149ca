"""The graphs that are measured: modules whose ``forward`` returns the loss.

A module serves everybody: the walks take the graph of its result, torchview traces it.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

STEP = 1.0001  # keeps a long chain of products finite


class Case(NamedTuple):
    """One graph to measure.

    build: returns the module and the list of its inputs.
    repeats: how often each thing is timed, after one round that is not counted.
    deep: deeper than Python's recursion limit, where torchviz needs a higher one.
    """

    title: str
    build: Callable
    repeats: int = 25
    deep: bool = False


class Toy(nn.Module):
    """Three operations and two leaves."""

    def __init__(self):
        super().__init__()
        self.w, self.b = _numbers(3), _numbers(3)

    def forward(self, x):
        return (self.w * x + self.b).sum()


class Lecture(nn.Module):
    """Twelve nodes: two small layers and a squared error, as a lecture would show them."""

    def __init__(self):
        super().__init__()
        self.w, self.b, self.v, self.c = (_numbers(3) for _ in range(4))

    def forward(self, x):
        hidden = torch.tanh(self.w * x + self.b)
        return ((self.v * hidden + self.c - 1.0) ** 2).mean()


class Mixed(nn.Module):
    """Operations drawn by lot from a fixed seed, so no stretch of the graph repeats."""

    UNARY = (torch.tanh, torch.sin, torch.cos, torch.sigmoid, torch.relu, torch.exp, torch.neg)
    BINARY = (torch.add, torch.mul, torch.sub, torch.maximum)

    def __init__(self, operations):
        super().__init__()
        self.operations = operations
        self.leaves = nn.ParameterList(_numbers(3) for _ in range(8))

    def forward(self, x):
        lot = random.Random(0)
        ends = [x * leaf for leaf in self.leaves]
        for _ in range(self.operations):
            if lot.random() < 0.4:
                ends.append(lot.choice(self.BINARY)(lot.choice(ends), lot.choice(ends)))
            else:
                ends.append(lot.choice(self.UNARY)(ends.pop(lot.randrange(len(ends)))))
        return torch.stack(ends).sum()


class Mlp(nn.Module):
    """Layers of one kind; five nodes each."""

    def __init__(self, layers):
        super().__init__()
        parts = [part for _ in range(layers) for part in (nn.Linear(8, 8), nn.Tanh())]
        self.body = nn.Sequential(*parts)

    def forward(self, x):
        return self.body(x).mean()


class Residual(nn.Module):
    """Blocks with a way around each; six nodes a block."""

    def __init__(self, blocks):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(blocks))

    def forward(self, x):
        for block in self.blocks:
            x = x + torch.tanh(block(x))
        return x.mean()


class Recurrent(nn.Module):
    """One LSTMCell over many steps: every weight is used in each of them."""

    def __init__(self, steps):
        super().__init__()
        self.cell, self.steps = nn.LSTMCell(8, 8), steps

    def forward(self, x):
        state = None
        for _ in range(self.steps):
            state = self.cell(x, state)
        return state[0].sum()


class Chains(nn.Module):
    """Chains of products side by side, from one leaf to one sum."""

    def __init__(self, chains, length):
        super().__init__()
        self.chains, self.length = chains, length
        self.start = _numbers(3)

    def forward(self, x):
        return torch.stack([self._chain(x) for _ in range(self.chains)]).sum()

    def _chain(self, x):
        product = x * self.start
        for _ in range(self.length - 1):
            product = product * STEP
        return product


def _numbers(count):
    return nn.Parameter(torch.linspace(0.5, 1.5, count))


def prepared(kind, *arguments, rows=()):
    """Return a function that makes a module and its input of 3 or of ``rows`` by 8 numbers."""

    def build():
        torch.manual_seed(0)
        return kind(*arguments), [torch.ones(*rows, 8) if rows else torch.ones(3)]

    return build


CASES = {
    "toy": Case("toy, 3 operations", prepared(Toy), 101),
    "lecture": Case("lecture, 12 nodes", prepared(Lecture), 101),
    "repetitive": Case("200 nodes, repetitive", prepared(Mlp, 40, rows=(4,)), 51),
    "mixed": Case("200 nodes, mixed", prepared(Mixed, 182), 51),
    "mlp": Case("MLP, 1,000 nodes", prepared(Mlp, 200, rows=(4,))),
    "lstm": Case("LSTMCell, 500 steps", prepared(Recurrent, 500, rows=(1,)), deep=True),
    "chain": Case("chain, 8,000 nodes", prepared(Chains, 1, 7997), deep=True),
    "residual": Case("residual net, 9,000 nodes", prepared(Residual, 1500, rows=(4,)), deep=True),
    "ten": Case("20 chains, 10,000 nodes", prepared(Chains, 20, 500)),
    "two_hundred": Case("400 chains, 200,000 nodes", prepared(Chains, 400, 500), 7),
}
