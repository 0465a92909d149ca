"""What torch says of saved values that were overwritten, and a map of statements by hand."""

import re

import torch

from lecture_helpers import Change

RAISED = "modified by an inplace operation"


def numbers_of_torch(loss):
    """Run a backward; return (version when saved, version now) as torch's error tells, or None."""
    try:
        loss.backward()
    except RuntimeError as error:
        assert RAISED in str(error)
        now, saved = re.search(r"at version (\d+); expected version (\d+)", str(error)).groups()
        return int(saved), int(now)
    return None


def marks_of(graph):
    """The overwritten values that backward notices, those of one node and version once."""
    return list(
        dict.fromkeys(
            (graph.nodes[one.node].grad_fn, one.tensor, one.version, one.now)
            for one in graph.overwritten
            if not one.silent
        )
    )


def judged(loss, graph):
    """Return the graph of a loss, after torch has agreed with its marks."""
    marks = marks_of(graph)
    assert numbers_of_torch(loss) == (marks[0][2:] if marks else None)
    return graph


class Cube(torch.autograd.Function):
    """Saves its input and its output, with nothing between."""

    @staticmethod
    def forward(ctx, x):
        y = x**3
        ctx.save_for_backward(x, None, y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        x, _, y = ctx.saved_tensors
        return 3 * x**2 * gradient + 0 * y


class Lines:
    """What a tracking map tells, written down by hand."""

    def __init__(self):
        self.statements, self.changes = {}, []

    def made(self, node):
        return self.statements.get(node)

    def changes_of(self, storage_cdata, after_node=None):
        number = after_node._sequence_nr()
        return tuple(
            change
            for storage, after, change in self.changes
            if storage == storage_cdata and after > number
        )

    def note(self, tensor, *change):
        after = torch.autograd._get_sequence_nr()
        self.changes.append((tensor.untyped_storage()._cdata, after, Change(*change)))
