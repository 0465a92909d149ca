"""Makes PyTorch's autograd visible: the names that a notebook uses."""

from .compare import Difference, GraphComparison, compare_graphs
from .devices import choose_device, device
from .draw import use_text
from .errors import expect_error
from .grads import GradRow, GradTable, grad_table
from .graph import Edge, Graph, Options, Output, show_graph
from .nodes import Node
from .pictures import Picture, show_picture
from .saved import Saved
from .widgets import predict, press, what_if

__all__ = [
    "Difference",
    "Edge",
    "GradRow",
    "GradTable",
    "Graph",
    "GraphComparison",
    "Node",
    "Options",
    "Output",
    "Options",
    "Picture",
    "Saved",
    "choose_device",
    "compare_graphs",
    "device",
    "expect_error",
    "grad_table",
    "predict",
    "press",
    "show_graph",
    "show_picture",
    "use_text",
    "what_if",
]
