"""Each notebook in a real JupyterLab in a real browser, as a student meets it.

Screenshots of whole notebooks land in ``screenshots/`` for people to look at.
"""

import nbformat
import pytest
from jupyter import running_lab
from page import (
    MODEL,
    ROOT,
    RUN_ALL,
    SCREENSHOTS,
    grow,
    open_notebook,
    put_in_theme,
    shoot,
)
from runnable import skip_unless_runnable

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.browser

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
def lab(tmp_path_factory):
    """One JupyterLab: each page is run once, and looked at in both themes."""
    with running_lab(tmp_path_factory.mktemp("lab"), ROOT, "light") as running:
        running.theme = "light"
        yield running


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


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_opens_with_its_pictures_and_runs(browser, lab, path):
    page = open_notebook(browser, lab, path)
    put_in_theme(page, lab, "light")
    grow(page)
    wanted = len(stored_pictures(path))
    page.wait_for_function(f"({PICTURES})().filter(Boolean).length === {wanted}")
    shoot(page, lab, path, "opened")

    skip_unless_runnable(path)
    assert page.evaluate(RUN_ALL) is True
    cells = [cell for cell in page.evaluate(MODEL)["cells"] if cell["cell_type"] == "code"]
    failed = [out for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]
    assert failed == []
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(page.evaluate(PICTURES))
    assert "model not found" not in page.inner_text("body")
    shoot(page, lab, path, "ran")
    put_in_theme(page, lab, "dark")
    assert all(page.evaluate(PICTURES))
    shoot(page, lab, path, "ran")
    page.close()


HIDE_TENSORFLOW = """async () => {
    const context = window.jupyterapp.shell.currentWidget.context.sessionContext;
    const code = "import sys; sys.modules['tensorflow'] = None";
    return (await context.session.kernel.requestExecute({code}).done).content.status;
}"""

SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()"


def test_without_tensorflow_the_appendix_says_so_in_one_line(browser, lab):
    path = ROOT / "notebooks" / "appendix_static_graphs_in_tensorflow.ipynb"
    page = open_notebook(browser, lab, path)
    assert page.evaluate(HIDE_TENSORFLOW) == "ok"
    assert page.evaluate(RUN_ALL) is False
    line = page.get_by_text("TensorFlow is not installed here, so the cells below cannot run.")
    line.wait_for()
    line.scroll_into_view_if_needed()
    page.screenshot(path=SCREENSHOTS / f"no-tensorflow-{lab.theme}.png")
    code = [cell for cell in page.evaluate(MODEL)["cells"] if cell["cell_type"] == "code"]
    (error,) = [out for cell in code for out in cell["outputs"] if out["output_type"] == "error"]
    assert error in code[1]["outputs"] and len(error["traceback"]) == 1
    assert "Traceback" not in page.inner_text("body")
    page.evaluate(SHUT_DOWN)  # the next page of this notebook would get the same kernel
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
