"""Makes PyTorch's autograd visible: the names that a notebook uses."""

from .alive import AlivePart
from .backward import BackwardRecord, Part, Step, record_backward
from .changes import Change
from .compare import Difference, GraphComparison, compare_graphs
from .devices import choose_device, device
from .draw import use_text
from .errors import expect_error, raised_by
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
from .training import LossCurve, LossPlot, PathPlot, Range, TrainingPath, plot_losses, plot_path
from .weighed import MemoryRow, OnCtx, Piece, SavedMemory
from .widgets import (
    predict,
    press,
    progress_bar,
    reset_progress,
    show_progress,
    watch_backward,
    what_if,
)

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
    "LossCurve",
    "LossPlot",
    "MemoryRow",
    "Node",
    "OnCtx",
    "Options",
    "Output",
    "Overwrite",
    "Part",
    "PathPlot",
    "Picture",
    "Piece",
    "Range",
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
    "TrainingPath",
    "WatchedMemory",
    "choose_device",
    "compare_graphs",
    "compare_speed",
    "device",
    "expect_error",
    "grad_history",
    "grad_table",
    "plot_losses",
    "plot_path",
    "predict",
    "press",
    "progress_bar",
    "raised_by",
    "record_backward",
    "reset_progress",
    "saved_memory",
    "show_graph",
    "show_picture",
    "show_progress",
    "tracking_map",
    "use_text",
    "watch_backward",
    "what_if",
]
