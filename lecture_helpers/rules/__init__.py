"""The local derivative rule of each operation: in words, in symbols, with numbers, as code.

``read_rule`` reads it from an engine node before its backward ran. ``RULES`` lists the
class names of the nodes that have a rule, each with its ``Op``. The tables stand in
``pointwise``, ``reductions``, ``shapes``, ``matrices`` and ``losses``.
"""

from .reading import RULES, Rule, read_rule
from .telling import Line

__all__ = ["RULES", "Line", "Rule", "read_rule"]
