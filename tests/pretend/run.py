"""Runs programs, helpers and lectures on one device and writes what came to a file, as JSON.

Usage: LECTURE_DEVICE=pretend python tests/pretend/run.py REPORT [NOTEBOOK ...]

``LECTURE_DEVICE`` may be ``cpu``, ``cuda`` or ``pretend``. What was begun last stands in
``REPORT.begun``, since a fault in a device's own code may end the process without a word.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tools")]


def main(target, *notebooks):
    def begin(what):
        Path(f"{target}.begun").write_text(what, encoding="utf-8")

    begin("the device")
    calls = make_device() if os.environ.get("LECTURE_DEVICE") == "pretend" else {}
    begin("the imports")
    import programs
    import report
    import torch
    from lectures import run_lecture, solve

    torch.set_num_threads(1)
    device = torch.empty(0, device=report.device).device
    found = {"device": str(device), "accelerator": str(torch.accelerator.current_accelerator())}
    found["programs"] = programs.report(device, begin)
    found["refused"] = programs.refused(device)
    found["helpers"] = report.report(begin)
    found["calls"] = dict(calls)
    found["lectures"] = {Path(path).name: run_lecture(Path(path), begin) for path in notebooks}
    found["exercises"] = solve(ROOT, begin) if notebooks else {}
    Path(target).write_text(json.dumps(found, default=str), encoding="utf-8")


def make_device() -> dict:
    """Make the pretend device, see that it computes, and return the calls that it counts."""
    import accelerator
    import torch

    x = torch.tensor([1.0, 2.0], device=accelerator.device, requires_grad=True)
    (x * x)[1].backward()
    if x.grad.tolist() != [0.0, 4.0]:
        raise RuntimeError(f"the pretend device computed {x.grad.tolist()}")
    return accelerator.module.calls


if __name__ == "__main__":
    main(*sys.argv[1:])
