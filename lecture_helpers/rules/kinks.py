"""Rules of operations with a kink or a step, that work on each element alone.

Where the slope jumps (``relu`` at 0, ``max`` of equals) torch chooses a value, and the rule
chooses the same.
"""

import torch

from .table import TWO, Part, op

FLAT = op(
    "The function is a staircase: its slope is 0 wherever it has one.",
    Part("0", lambda g, s: torch.zeros_like(g)),
)


def _larger(sign, opposite):
    """Return the parts of ``maximum`` (sign ``>``) or ``minimum``; equals share equally."""

    def symbols(one, other):
        def tell(s):
            left, right = s.get("self"), s.get("other")
            ties = left is not None and right is not None and bool((left == right).any())
            return f"incoming × ({{{one}}} {sign} {{{other}}})" + ", half if equal" * ties

        return tell

    def code(loses):
        def work(g, s):
            halved = torch.where(s.self == s.other, g / 2, g)
            return torch.where(loses(s), 0, halved)

        return work

    def below(s):
        return s.self < s.other

    def above(s):
        return s.self > s.other

    first, second = (below, above) if sign == ">" else (above, below)
    return Part(symbols("self", "other"), code(first)), Part(symbols("other", "self"), code(second))


FILLED_WORDS = "Elements that were overwritten get 0; the others pass the gradient on."
KEPT = Part("incoming × (not {mask})", lambda g, s: torch.where(s.mask, 0, g))

KINKS = {
    "ReluBackward0": op(
        "The gradient passes where the result is above 0, and is 0 elsewhere, at 0 too.",
        Part("incoming × ({result} > 0)", lambda g, s: torch.where(s.result <= 0, 0, g)),
    ),
    "LeakyReluBackward0": op(
        "The gradient passes where the input is above 0, and elsewhere times the small slope.",
        Part(
            "incoming × (1 where {self} > 0, else {negative_slope})",
            lambda g, s: torch.where(s.self > 0, g, g * s.negative_slope),
        ),
    ),
    "AbsBackward0": op(
        "The slope of an absolute value is the sign of the input: 1, -1, and 0 at 0.",
        Part("incoming × sign({self})", lambda g, s: g * s.self.sign()),
    ),
    "HardtanhBackward0": op(
        "The gradient passes where the element lies between the bounds, and is 0 elsewhere, "
        "at the bounds too.",
        Part(
            "incoming × ({min_val} < {self} < {max_val})",
            lambda g, s: torch.where((s.self <= s.min_val) | (s.self >= s.max_val), 0, g),
        ),
    ),
    "MaximumBackward0": op(
        "The larger of the two gets the gradient; equals get half each.",
        *_larger(">", "<"), called=TWO, broadcasts=True,
    ),
    "MinimumBackward0": op(
        "The smaller of the two gets the gradient; equals get half each.",
        *_larger("<", ">"), called=TWO, broadcasts=True,
    ),
    "WhereBackward0": op(
        "Each element's gradient goes to the side that was chosen; the other side gets 0.",
        Part("incoming × {condition}", lambda g, s: torch.where(s.condition, g, 0)),
        Part("incoming × (not {condition})", lambda g, s: torch.where(s.condition, 0, g)),
        broadcasts=True,
    ),
    "MaskedFillBackward0": op(FILLED_WORDS, KEPT),
    "MaskedFillBackward1": op(
        f"{FILLED_WORDS} The value that was put in gets the sum of their gradients.",
        KEPT, Part("incoming × {mask}", lambda g, s: torch.where(s.mask, g, 0)),
        broadcasts=True,
    ),
    "SignBackward0": FLAT,
    "RoundBackward0": FLAT,
    "FloorBackward0": FLAT,
    "CeilBackward0": FLAT,
    "TruncBackward0": FLAT,
}  # fmt: skip
