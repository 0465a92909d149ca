"""Each notebook in a real JupyterLab in a real browser, as a student meets it.

Screenshots of whole notebooks land in ``screenshots/`` for people to look at.
"""

import os
from pathlib import Path

import nbformat
import pytest
from jupyter import CHROMIUM_FLAGS, find_browser, running_lab
from playwright.sync_api import Error, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
SCREENSHOTS = ROOT / "screenshots"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WAIT_MS = 90_000
WINDOW = {"width": 1200, "height": 900}
TALLEST = 8_000  # Chromium's limit for a screenshot's side is 16,384; a taller notebook is scrolled
pytestmark = pytest.mark.browser

READY = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    return Boolean(panel?.context?.isReady && panel.content?.model?.cells?.length);
}"""
KERNEL_READY = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.isReady"
RUN_ALL = "async () => await window.jupyterapp.commands.execute('notebook:run-all-cells')"
MODEL = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON()"
PICTURES = """() => [...document.querySelectorAll('.jp-RenderedSVG img')].map(
    img => img.complete && img.naturalWidth > 0)"""
SPILLED = """() => [...document.querySelectorAll('svg[data-kind] g')].flatMap(group => {
    const box = group.querySelector('rect').getBBox();
    return [...group.querySelectorAll('text')].filter(text => {
        const size = text.getBBox();
        return size.x < box.x || size.x + size.width > box.x + box.width
            || size.y < box.y || size.y + size.height > box.y + box.height;
    }).map(text => text.textContent);
})"""


@pytest.fixture(scope="module")
def browser():
    path = find_browser()
    which = {"executable_path": path} if path else {"channel": "chrome"}
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(**which, args=CHROMIUM_FLAGS)
        except Error:
            if path or os.environ.get("CI"):
                raise
            pytest.skip("no chromium or chrome here: install one to run the browser tests")
        yield launched
        launched.close()


@pytest.fixture(scope="module", params=["light", "dark"])
def lab(request, tmp_path_factory):
    with running_lab(tmp_path_factory.mktemp("lab"), ROOT, request.param) as running:
        running.theme = request.param
        yield running


def open_notebook(browser, lab, path):
    """Open a notebook and wait until it and its kernel are ready."""
    page = browser.new_page(viewport=WINDOW)
    page.set_default_timeout(WAIT_MS)
    page.goto(lab.notebook(path.name))
    page.wait_for_function(READY)
    page.wait_for_function(KERNEL_READY)
    return page


SCROLL_TO = """top => document.querySelectorAll('.jp-Notebook, .jp-WindowedPanel-outer').forEach(
    node => node.scrollTo(0, top))"""
HEIGHT = """() => Math.max(...[...document.querySelectorAll(
    '.jp-NotebookPanel .jp-Notebook, .jp-NotebookPanel .jp-WindowedPanel-outer')].map(
    node => node.scrollHeight))"""
AROUND = 160  # the menu and the toolbar


def grow(page):
    """Make the window as tall as the notebook, or as tall as a screenshot can be.

    Returns the height of the notebook, and of what one screenshot shows of it.
    """
    page.set_viewport_size(WINDOW)
    page.evaluate(SCROLL_TO, 0)
    height = page.evaluate(HEIGHT)
    shown = min(height, TALLEST)
    page.set_viewport_size({**WINDOW, "height": shown + AROUND})
    return height, shown


def stored_pictures(path):
    """Return the SVG of every stored picture."""
    notebook = nbformat.read(path, as_version=4)
    return [
        output["data"]["image/svg+xml"]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/svg+xml" in output.get("data", {})
    ]


def shoot(page, lab, path, when):
    """Take screenshots of a whole notebook, from its top to its end."""
    SCREENSHOTS.mkdir(exist_ok=True)
    height, shown = grow(page)
    for number, top in enumerate(range(0, height, shown), start=1):
        page.evaluate(SCROLL_TO, top)
        page.screenshot(path=SCREENSHOTS / f"{path.stem}-{lab.theme}-{when}-{number}.png")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_opens_with_its_pictures_and_runs(browser, lab, path):
    page = open_notebook(browser, lab, path)
    grow(page)
    wanted = len(stored_pictures(path))
    page.wait_for_function(f"({PICTURES})().filter(Boolean).length === {wanted}")
    shoot(page, lab, path, "opened")

    assert page.evaluate(RUN_ALL) is True
    cells = [cell for cell in page.evaluate(MODEL)["cells"] if cell["cell_type"] == "code"]
    failed = [out for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]
    assert failed == []
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(page.evaluate(PICTURES))
    assert "model not found" not in page.inner_text("body")
    shoot(page, lab, path, "ran")
    page.close()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_label_spills_out_of_its_box(browser, path):
    page = browser.new_page()
    page.set_content("".join(stored_pictures(path)))
    assert page.locator("svg[data-kind=graph] g").count() > 0
    assert page.evaluate(SPILLED) == []
    page.evaluate("() => { document.querySelector('svg g rect').setAttribute('width', 20) }")
    assert page.evaluate(SPILLED) != []  # the check itself can fail
    page.close()


def run_cells(page, *wanted):
    """Run code cells by id, in order, as a learner with Shift+Enter would."""
    for cell_id in wanted:
        done = page.evaluate(RUN_CELL, cell_id)
        assert done is True, cell_id


RUN_CELL = """async id => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const at = notebook.widgets.findIndex(cell => cell.model.id === id);
    notebook.deselectAll();
    notebook.activeCellIndex = at;
    await window.jupyterapp.commands.execute('notebook:run-cell');
    return notebook.widgets[at].model.executionCount !== null;
}"""


def outputs_of(page, cell_id):
    """Return the text that a cell has printed."""
    (cell,) = [cell for cell in page.evaluate(MODEL)["cells"] if cell["id"] == cell_id]
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])


def test_prediction_answers_back_and_the_slider_redraws(browser, lab):
    path = ROOT / "notebooks" / "01_dynamic_computation_graphs.ipynb"
    page = open_notebook(browser, lab, path)
    run_cells(page, "set-up", "fan-predict")
    page.get_by_label("[2.0, 3.0]").check()
    page.get_by_text("Noted: [2.0, 3.0]. Now run the cells below.").wait_for()
    run_cells(page, "fan-run", "fan-compare")
    assert outputs_of(page, "fan-compare") == (
        "You predicted [2.0, 3.0]. The computation gives [4.0, 3.0].\n"
    )
    page.get_by_label("[4.0, 3.0]").check()
    page.get_by_text("Noted: [4.0, 3.0]. Now run the cells below.").wait_for()
    run_cells(page, "fan-compare")
    assert outputs_of(page, "fan-compare") == "You predicted [4.0, 3.0]. Right.\n"

    run_cells(page, "branch-run", "branch-slider")
    page.get_by_text("At x = 2.0 the result is -0.54402").wait_for()
    picture = page.locator(".jupyter-widgets svg[data-kind=graph]")
    assert "SinBackward0" in picture.inner_html() and "MulBackward0" in picture.inner_html()
    handle = page.locator(".noUi-handle")
    handle.focus()
    for _ in range(6):
        handle.press("ArrowLeft")
    page.get_by_text("At x = 1.4 the result is 0.67546, the gradient for x is -0.73739.").wait_for()
    assert "AddBackward0" in picture.inner_html() and "MulBackward0" not in picture.inner_html()
    page.screenshot(path=SCREENSHOTS / f"slider-{lab.theme}.png")
    page.close()


def test_slider_and_checkbox_redraw_graph_table_and_plot(browser, lab):
    page = open_notebook(browser, lab, ROOT / "notebooks" / "01_dynamic_computation_graphs.ipynb")
    run_cells(page, "set-up", "branch-run", "branch-slider")
    page.get_by_text("At x = 2.0 the result is -0.54402").wait_for()
    graph, plot, row = (
        page.locator(f".jupyter-widgets {inner}")
        for inner in ("svg[data-kind=graph]", "svg[data-kind=plot] > g", "tbody tr >> nth=0")
    )
    assert plot.get_attribute("data-slope") == "-4.1954"
    assert row.inner_text().split() == ["x", "2.0", "()", "True", "True", "None", "-4.1954"]
    assert "tangent with slope -4.1954" in plot.text_content()
    wide = page.locator(".jupyter-widgets svg[data-kind=plot]").bounding_box()["width"]
    assert wide == 420
    row.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / f"what-if-{lab.theme}.png")

    handle = page.locator(".noUi-handle")
    handle.press("Home")
    page.get_by_text("At x = 0.0 the result is 0.84147, the gradient for x is 0.5403.").wait_for()
    assert (plot.get_attribute("data-at"), plot.get_attribute("data-slope")) == ("0.0", "0.5403")
    assert row.inner_text().split() == ["x", "0.0", "()", "True", "True", "None", "0.5403"]
    assert graph.locator("[data-node]").count() == 3 and "AddBackward0" in graph.inner_html()

    box = page.get_by_label("x requires grad")
    assert box.is_checked()
    box.press("Space")
    page.get_by_text("No input is tracked, so the result has no graph").wait_for()
    assert (plot.get_attribute("data-at"), plot.get_attribute("data-slope")) == ("0.0", "None")
    assert "no tangent: x is not tracked" in plot.text_content()
    assert row.inner_text().split() == ["x", "0.0", "()", "False", "True", "None", "None"]
    assert graph.locator("[data-node]").count() == 1 and "Backward" not in graph.inner_html()
    page.screenshot(path=SCREENSHOTS / f"what-if-untracked-{lab.theme}.png")

    box.press("Space")
    page.get_by_text("the gradient for x is 0.5403.").wait_for()
    assert "AddBackward0" in graph.inner_html() and plot.get_attribute("data-slope") == "0.5403"
    page.close()


def test_buttons_run_functions_and_redraw(browser, lab):
    page = open_notebook(browser, lab, ROOT / "notebooks" / "01_dynamic_computation_graphs.ipynb")
    run_cells(page, "set-up", "total-run", "zero-press")
    page.get_by_text("Nothing pressed yet.").wait_for()
    grad = page.locator(".jupyter-widgets table td").last
    assert grad.inner_text() == "None"
    page.get_by_role("button", name="zero", exact=True).click()
    page.get_by_text("zero raised AttributeError").wait_for()
    for name, sentence, total in [
        ("backward at 1", "Pressed: zero, then backward at 1.", "2.0"),
        ("backward at 3", "Pressed: zero, then backward at 1, then backward at 3.", "32.0"),
        ("zero", "then backward at 3, then zero.", "0.0"),
    ]:
        page.get_by_role("button", name=name, exact=True).press("Enter")
        page.get_by_text(sentence).wait_for()
        assert grad.inner_text() == total
    assert "raised" not in page.locator(".jupyter-widgets table").locator("../..").inner_text()
    page.screenshot(path=SCREENSHOTS / f"buttons-{lab.theme}.png")
    page.close()
