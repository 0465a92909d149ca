"""Rules of operations that move, copy, pick or join elements without computing.

Each passes a gradient back the way the element came: what was picked out lands where it
came from, what was copied gathers the sum of its copies.
"""

import torch

from .table import Missing, Op, Part, moved, op, zeros_of_input


def _in_dims(dim, inside: str) -> str:
    """Return an index as Python writes it: ``[:, 1]`` for index 1 of dimension 1."""
    return "[" + ":, " * dim + inside + "]"


def _dim(s, of):
    """Return ``s.dim`` counted from the front of a tensor of ``of`` dimensions."""
    return s.dim % of if of else 0


def _reshaped(words):
    return op(
        words,
        moved(lambda s: f"incoming, reshaped to {s.shape}", lambda g, s: g.reshape(s.shape)),
    )


VIEW = _reshaped("Only the shape changed, so the gradient gets the old shape back.")
SQUEEZE = _reshaped("Dimensions of 1 were dropped; the gradient gets them back.")
UNSQUEEZE = _reshaped("A dimension of 1 was put in; the gradient loses it again.")

TRANSPOSED = Part("incomingᵀ", lambda g, s: g.t())
TRANSPOSE_WORDS = "Two dimensions changed places; the gradient's change back."


def _transpose(s):
    return f"incoming.transpose({s.dim0}, {s.dim1})"


def _back(s):
    """Return the order of dimensions that undoes a permutation."""
    count = len(s.dims)
    order = [dim % count for dim in s.dims]
    return [order.index(dim) for dim in range(count)]


def _permute(s):
    return f"incoming.permute({', '.join(map(str, _back(s)))})"


def _repeat_code(g, s):
    extra = len(s.repeats) - len(s.shape)
    sizes = [1] * extra + list(s.shape)
    split = [number for pair in zip(s.repeats, sizes) for number in pair]
    copies = tuple(range(0, len(split), 2))
    return g.reshape(split).sum(copies).reshape(s.shape) if copies else g


def _select(s):
    dim = _dim(s, len(s.shape))
    return f"incoming in place {_in_dims(dim, str(s.index))}, 0 elsewhere"


def _select_code(g, s):
    gradient = zeros_of_input(g, s)
    gradient.select(s.dim, s.index).copy_(g)
    return gradient


def _slice(s):
    dim = _dim(s, len(s.shape))
    end = "" if s.end is None or s.end >= s.shape[dim] else s.end
    step = "" if s.step == 1 else f":{s.step}"
    return f"incoming in place {_in_dims(dim, f'{s.start or 0}:{end}{step}')}, 0 elsewhere"


def _slice_code(g, s):
    gradient = zeros_of_input(g, s)
    where = (slice(None),) * _dim(s, len(s.shape)) + (slice(s.start, s.end, s.step),)
    gradient[where] = g
    return gradient


def _index_code(g, s):
    return torch.ops.aten.index_put(zeros_of_input(g, s), s.indices, g, True)  # knows None for ":"


def _along(s, name="index"):
    return f"incoming at index {{{name}}} of dimension {_dim(s, len(s.shape))}, 0 elsewhere"


def _gather_code(g, s):
    return zeros_of_input(g, s).scatter_add(s.dim, s.index, g)


def _index_select_code(g, s):
    if not s.shape:
        return g.sum().reshape(())
    return zeros_of_input(g, s).index_add(s.dim, s.index, g)


def _embedding_code(g, s):
    rows = s.indices.flatten()
    counted = rows != s.padding_idx
    parts = g.reshape(len(rows), s.shape[1])
    if s.scale_grad_by_freq:
        parts = parts / torch.bincount(rows)[rows].unsqueeze(1)
    return zeros_of_input(g, s).index_add(0, rows[counted], parts[counted])


def _stretch(s, nr):
    """Return (dimension, begin) of an input in what ``cat`` made, None where torch hides it.

    The sizes of untracked inputs are not told: with two of them, one on each side, an
    input could begin anywhere.
    """
    dim = _dim(s, len(s.made[0]))
    sizes = [shape if shape is None else 0 if shape == (0,) else shape[dim] for shape in s.shapes]
    if None not in sizes[:nr]:
        return dim, sum(sizes[:nr])
    if None not in sizes[nr:]:
        return dim, s.made[0][dim] - sum(sizes[nr:])
    return None


def _cat(nr):
    def symbols(s):
        stretch = _stretch(s, nr)
        if stretch is None or s.shapes[nr] == (0,):
            return "the stretch of incoming that belongs to this input"
        dim, begin = stretch
        return f"incoming{_in_dims(dim, f'{begin}:{begin + s.shapes[nr][dim]}')}"

    def code(g, s):
        stretch = _stretch(s, nr)
        if stretch is None:
            raise Missing("torch does not tell the sizes of untracked inputs")
        if s.shapes[nr] == (0,):
            return g.new_zeros(0)
        dim, begin = stretch
        return g.narrow(dim, begin, s.shapes[nr][dim])

    return Part(symbols, code)


def _stack(nr):
    def symbols(s):
        return f"incoming{_in_dims(_dim(s, len(s.made[0])), str(nr))}"

    return Part(symbols, lambda g, s: g.select(s.dim, nr))


def _joined(words, code):
    return op(words, moved("incoming, put together again", code), gathers=True)


SPLIT = _joined(
    "The input was cut into pieces; their gradients are put together again.",
    lambda g, s: torch.cat(g, s.dim),
)

SHAPES = {
    "ViewBackward0": VIEW,
    "UnsafeViewBackward0": VIEW,
    "ReshapeAliasBackward0": VIEW,
    "SqueezeBackward0": SQUEEZE,
    "SqueezeBackward1": SQUEEZE,
    "SqueezeBackward2": SQUEEZE,
    "SqueezeBackward3": SQUEEZE,
    "SqueezeBackward4": SQUEEZE,
    "SqueezeBackward5": SQUEEZE,
    "UnsqueezeBackward0": UNSQUEEZE,
    "UnsqueezeBackward1": UNSQUEEZE,
    "TBackward0": op("Rows became columns; the gradient's columns become rows.", TRANSPOSED),
    "TransposeBackward0": op(
        TRANSPOSE_WORDS, Part(_transpose, lambda g, s: g.transpose(s.dim0, s.dim1))
    ),
    "PermuteBackward0": op(
        "The dimensions changed their order; the gradient's go back to the old one.",
        Part(_permute, lambda g, s: g.permute(_back(s))),
    ),
    "FlipBackward0": op(
        "The order was turned round; the gradient's is turned round again.",
        Part(
            lambda s: f"incoming.flip({', '.join(map(str, s.dims))})",
            lambda g, s: g.flip(s.dims),
        ),
    ),
    "TrilBackward0": op(
        "What lay above the diagonal was dropped and gets 0.",
        Part("incoming.tril({diagonal})", lambda g, s: g.tril(s.diagonal)),
    ),
    "TriuBackward0": op(
        "What lay below the diagonal was dropped and gets 0.",
        Part("incoming.triu({diagonal})", lambda g, s: g.triu(s.diagonal)),
    ),
    "ExpandBackward0": op(
        "One element stands in several places, so its gradient is the sum over them.",
        Part("incoming", lambda g, s: g), broadcasts=True,
    ),
    "RepeatBackward0": op(
        "Each element was copied, so its gradient is the sum over its copies.",
        moved("incoming, summed over the copies", _repeat_code),
    ),
    "SelectBackward0": op(
        "One slice was picked: it gets the gradient, the rest gets 0.",
        moved(_select, _select_code),
    ),
    "SliceBackward0": op(
        "A part was picked: it gets the gradient, the rest gets 0.", moved(_slice, _slice_code)
    ),
    "IndexBackward0": op(
        "Elements were picked: each gets its gradient, one picked twice gets the sum, the "
        "rest gets 0.",
        moved("incoming added in place [{indices}], 0 elsewhere", _index_code),
    ),
    "GatherBackward0": op(
        "Elements were picked along a dimension: each gets its gradient, one picked twice "
        "gets the sum, the rest gets 0.",
        moved(_along, _gather_code),
    ),
    "IndexSelectBackward0": op(
        "Slices were picked: each gets its gradient, one picked twice gets the sum, the "
        "rest gets 0.",
        moved(_along, _index_select_code),
    ),
    "EmbeddingBackward0": op(
        "Rows of the table were picked: each gets its gradient, one picked twice gets the "
        "sum, the rest (and the padding row) gets 0.",
        moved("incoming added in rows {indices}, 0 elsewhere", _embedding_code),
    ),
    "CatBackward0": Op("Each joined tensor gets its own stretch of the gradient.", _cat),
    "StackBackward0": Op("Each stacked tensor gets its own slice of the gradient.", _stack),
    "UnbindBackward0": _joined(
        "The input was taken apart; the gradients of the parts are stacked again.",
        lambda g, s: torch.stack(g, s.dim),
    ),
    "SplitBackward0": SPLIT,
    "SplitWithSizesBackward0": SPLIT,
    "UnsafeSplitBackward0": SPLIT,
}  # fmt: skip
