"""Makes PyTorch's autograd visible: the names that a notebook uses."""

from .alive import AlivePart
from .backward import BackwardRecord, Part, Step, record_backward
from .changes import Change
from .compare import Difference, GraphComparison, compare_graphs
from .devices import choose_device, device
from .draw import use_text
from .errors import expect_error
from .grads import GradRow, GradTable, RowVersion, grad_table
from .graph import Edge, Graph, Options, Output, show_graph
from .history import GradHistory, HistoryRow, grad_history
from .lines import TrackedResult
from .memory import WatchedMemory, saved_memory
from .nodes import Node
from .overwritten import Overwrite
from .pictures import Picture, show_picture
from .recorder import Summary
from .saved import Saved
from .stopwatch import Timed
from .timing import Ratio, Timing, compare_speed
from .tracking import TrackedLine, TrackingMap, tracking_map
from .weighed import MemoryRow, OnCtx, Piece, SavedMemory
from .widgets import predict, press, watch_backward, what_if

__all__ = [
    "AlivePart",
    "BackwardRecord",
    "Change",
    "Difference",
    "Edge",
    "GradHistory",
    "GradRow",
    "GradTable",
    "Graph",
    "GraphComparison",
    "HistoryRow",
    "MemoryRow",
    "Node",
    "OnCtx",
    "Options",
    "Output",
    "Overwrite",
    "Part",
    "Picture",
    "Piece",
    "Ratio",
    "RowVersion",
    "Saved",
    "SavedMemory",
    "Step",
    "Summary",
    "Timed",
    "Timing",
    "TrackedLine",
    "TrackedResult",
    "TrackingMap",
    "WatchedMemory",
    "choose_device",
    "compare_graphs",
    "compare_speed",
    "device",
    "expect_error",
    "grad_history",
    "grad_table",
    "predict",
    "press",
    "record_backward",
    "saved_memory",
    "show_graph",
    "show_picture",
    "tracking_map",
    "use_text",
    "watch_backward",
    "what_if",
]
