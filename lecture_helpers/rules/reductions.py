"""Rules of operations that make one number of many: sums, means, largest, smallest."""

import math

import torch

from .table import Part, Saved, moved, op, zeros_of_input


def dims_of(s: Saved) -> tuple:
    """Return the dimensions that were reduced, none below 0; all where none was named."""
    dims = s.optional("dim")
    count = len(s.shape)
    if dims is None or dims == ():
        return tuple(range(count))
    return tuple(dim % count for dim in ((dims,) if isinstance(dims, int) else dims) if count)


def unreduced(g, s: Saved) -> torch.Tensor:
    """Return ``g`` with the reduced dimensions put back as dimensions of 1."""
    dims = dims_of(s)
    return g.reshape([1 if dim in dims else size for dim, size in enumerate(s.shape)])


def summed_count(s: Saved) -> int:
    """Return how many elements of the input made one element of the result."""
    return math.prod(s.shape[dim] for dim in dims_of(s))


def _to_each(s):
    count = summed_count(s)
    noun = "element" if count == 1 else "elements"
    return f" to each of {count:,} {noun}" if s.made[0] == () else f", each to {count:,} {noun}"


def _sum(s):
    return f"incoming{_to_each(s)}"


def _mean(s):
    return f"incoming / {summed_count(s)}{_to_each(s)}"


def _sum_code(g, s):
    return unreduced(g, s).expand(s.shape)


def _mean_code(g, s):
    return unreduced(g, s).expand(s.shape) / summed_count(s)


SUM = op(
    "A sum passes the same gradient on to every element that went into it.",
    moved(_sum, _sum_code),
)
MEAN = op(
    "A mean of n elements passes an n-th of the gradient on to each of them.",
    moved(_mean, _mean_code),
)


def _chosen(s):
    return f"incoming at index {{indices}} of dimension {dims_of(s)[0]}, 0 elsewhere"


def _chosen_code(g, s):
    if not s.shape:
        return g
    (dim,) = dims_of(s)
    where = s.indices if s.keepdim else s.indices.unsqueeze(dim)
    return zeros_of_input(g, s).scatter(dim, where, unreduced(g, s))


def _indexed(which):
    return op(
        f"Only the {which} element of each group decides, so it alone gets the gradient.",
        moved(lambda s: _chosen(s) if s.shape else "incoming", _chosen_code),
    )


def _hits(s):
    """Return which elements equal the result; for one largest of all, which are nan if it is."""
    if s.optional("keepdim") is None and bool(s.result.isnan()):
        return s.self.isnan()
    return s.self == unreduced(s.result, s)


def _shared(which):
    def symbols(s):
        held = s.get("self") is not None and s.get("result") is not None
        if held and bool((_hits(s).sum(dims_of(s)) > 1).any()):
            return f"incoming, shared equally by the {which} elements, 0 elsewhere"
        return f"incoming at the {which} element, 0 elsewhere"

    def code(g, s):
        hits = _hits(s)
        count = hits.sum(dims_of(s), keepdim=True) if s.shape else 1
        return torch.where(hits, unreduced(g, s) / count, 0)

    return op(
        f"Only the {which} element decides, so it alone gets the gradient; equals share it.",
        moved(symbols, code),
    )


def _cumsum_code(g, s):
    if not s.shape:
        return g
    (dim,) = dims_of(s)
    return g.flip(dim).cumsum(dim).flip(dim)


REDUCTIONS = {
    "SumBackward0": SUM,
    "SumBackward1": SUM,
    "MeanBackward0": MEAN,
    "MeanBackward1": MEAN,
    "MaxBackward0": _indexed("largest"),
    "MinBackward0": _indexed("smallest"),
    "MaxBackward1": _shared("largest"),
    "MinBackward1": _shared("smallest"),
    "AmaxBackward0": _shared("largest"),
    "AminBackward0": _shared("smallest"),
    "CumsumBackward0": op(
        "An element goes into every running sum from its own place on, so it gets the sum "
        "of their gradients.",
        Part(lambda s: f"running sum of incoming from the end, along dimension "
                       f"{dims_of(s)[0] if s.shape else 0}", _cumsum_code, ": "),
    ),
}  # fmt: skip
