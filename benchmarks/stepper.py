"""Time the stepper's redraw: in Python, and from a key press to the changed page.

Usage: python benchmarks/stepper.py     (needs chromium or chrome, and the extras lab and test)

Prints one table. The second part runs the first lecture in a JupyterLab of its own, in a
browser without a window, and lets the page's own clock tell the time from the key press to
the moment when the new picture stands in the document.
"""

import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

from lecture_helpers import watch_backward

ROOT = Path(__file__).resolve().parent.parent
PRESSES = 60
REDRAWS = 400
PYTHON_MS, PAGE_MS = 3, 100  # the aims
CELLS = {"chain-watch": "z = (3x + 1)²", "diamond-steps": "the diamond"}
LISTEN = """() => {
    window.took = [];
    let pressed = null;
    const step = () => document.querySelector('.jupyter-widgets svg[data-step]')?.dataset.step;
    let last = step();
    document.addEventListener('keydown', () => { pressed = performance.now(); }, true);
    new MutationObserver(() => {
        const now = step();
        if (now !== undefined && now !== last) {
            if (pressed !== null) window.took.push(performance.now() - pressed);
            pressed = null;
            last = now;
        }
    }).observe(document.body, {childList: true, subtree: true});
}"""


def chain():
    x = torch.tensor(2.0, requires_grad=True)
    z = (3 * x + 1) ** 2
    return z


def diamond():
    x = torch.tensor(2.0, requires_grad=True)
    u = 3 * x
    return (u + 1) * u**2


def layer():
    """Return the loss of a small layer with tensors on every arrow: 9 steps."""
    w = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    b = torch.tensor(1.0, requires_grad=True)
    h = torch.relu(w * torch.tensor([1.0, 2.0, 3.0]) + b)
    return (h**2 + 3 * h).mean()


def network():
    """Return the loss of a network of three layers: 22 steps."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(3, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3), torch.nn.ReLU(),
        torch.nn.Linear(3, 1),
    )  # fmt: skip
    return net(torch.ones(2, 3)).pow(2).mean()


def in_python(make) -> list:
    """Return the milliseconds of each redraw, moving through all positions again and again."""
    stepper = watch_backward(make())
    positions = len(stepper.record.steps) + 1
    took = []
    for count in range(REDRAWS):
        start = perf_counter()
        stepper.step_to((count + 1) % positions)
        took.append((perf_counter() - start) * 1000)
    return took


def in_the_page(cell: str) -> list:
    """Return the milliseconds from each key press to the changed page, for a cell of lecture 1."""
    sys.path.insert(0, str(ROOT / "tests" / "browser"))
    from jupyter import CHROMIUM_FLAGS, find_browser, running_lab
    from page import open_notebook, run_cells
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running_lab(Path(folder), ROOT, "light") as lab,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_FLAGS)
        page = open_notebook(browser, lab, ROOT / "notebooks/01_dynamic_computation_graphs.ipynb")
        run_cells(page, "set-up", cell)
        handle = page.locator(".noUi-handle")
        handle.focus()
        page.evaluate(LISTEN)
        for count in range(PRESSES):
            page.keyboard.press("ArrowRight" if count % 2 == 0 else "ArrowLeft")
            page.wait_for_function(f"() => window.took.length === {count + 1}")
        took = page.evaluate("() => window.took")
        browser.close()
    return took


def row(what, took, most) -> str:
    verdict = "met" if median(took) <= most else "missed"
    return f"| {what} | {median(took):.2f} ms | {max(took):.1f} ms | {most} ms | {verdict} |"


def main() -> None:
    print("| Redraw | median | worst | aim for the median | |")
    print("|---|---|---|---|---|")
    for make in (chain, diamond, layer, network):
        print(row(f"in Python, {make.__name__}", in_python(make), PYTHON_MS), flush=True)
    for cell, what in CELLS.items():
        print(row(f"key press to page, {what}", in_the_page(cell), PAGE_MS), flush=True)


if __name__ == "__main__":
    main()
