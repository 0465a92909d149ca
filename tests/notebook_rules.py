"""The rules of a stored notebook. ``problems`` returns one sentence per breach."""

import re
from pathlib import Path

import nbformat
from execute_notebooks import KEPT_CELL_METADATA, KERNELSPEC, PNG, WIDGET_VIEW, is_compared
from question_rules import question_problems
from stamp_links import BADGE_ID, SETUP_ID, public_address, stamp

UNSTABLE = {
    "a memory address": r"0x[0-9a-fA-F]{6,}",
    "an absolute path": r"(?<![\w<])/(?:home|root|tmp|usr|opt|work|Users|content)\b|[A-Z]:\\\\",
    "a date": r"\b20\d\d-\d\d-\d\d\b",
    "a version number": r"\b\d+\.\d+\.\d+\b",
    "a bare tensor": r"(?<!torch\.)\btensor\(",  # torch.tensor(...) is a line of code
    "a device": r"\b(?:cpu|cuda)\b",
}
BITMAPS = (PNG, "image/jpeg")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def problems(path: Path) -> list:
    """Return what is wrong with the notebook at ``path``, each with the cell's id."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    found = _of_the_file(notebook, path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, start=1):
        if cell.execution_count != count:
            found.append(f"{cell.id}: execution count {cell.execution_count}, expected {count}")
        found += [f"{cell.id}: {problem}" for problem in _of_code(cell)]
    found += question_problems(code)
    for cell in notebook.cells:
        if set(cell.metadata) - set(KEPT_CELL_METADATA):
            found.append(f"{cell.id}: cell metadata {sorted(cell.metadata)}")
        if cell.cell_type == "markdown":
            found += [f"{cell.id}: {problem}" for problem in _of_prose(cell.source, path.parent)]
    return found


def _of_the_file(notebook, path) -> list:
    found = []
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        found.append(f"nbformat {notebook.nbformat}.{notebook.nbformat_minor}, expected 4.5")
    if notebook.metadata != {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}:
        found.append(f"notebook metadata {dict(notebook.metadata)}")
    ids = [cell.id for cell in notebook.cells]
    if len(set(ids)) < len(ids):
        found.append("two cells share an id")
    stamped = nbformat.from_dict(notebook)
    before = [(cell.id, cell.source, dict(cell.metadata)) for cell in notebook.cells]
    stamp(stamped, path.name, public_address())
    if before != [(cell.id, cell.source, dict(cell.metadata)) for cell in stamped.cells]:
        found.append(f"{SETUP_ID} or {BADGE_ID} is not what tools/stamp_links.py stamps")
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if first.id != SETUP_ID:
        found.append(f"the first code cell is {first.id}, expected {SETUP_ID}")
    return found


def _of_code(cell) -> list:
    found = []
    if cell.source.rstrip().endswith(";"):
        found.append("ends with a semicolon, which fails in the strict comparison")
    folded = cell.metadata.get("jupyter", {}).get("source_hidden") and "cellView" in cell.metadata
    if "show_picture(" in cell.source and not folded:
        found.append("a fixed picture whose input is not folded")
    if re.search(r"^\w+\.compare\(", cell.source, re.M) and not folded:
        found.append("a verdict whose input is not folded; it gives the answer away")
    for output in cell.outputs:
        if output.output_type == "error":
            found.append(f"a stored error, {output.ename}")
        if output.get("name") == "stderr":
            found.append("an output on stderr")
        data = output.get("data", {"text/plain": output.get("text", "")})
        if WIDGET_VIEW in data:
            found.append("a stored widget view")
        # A PNG or JPEG is never compared and may differ from run to run, so a stored one
        # could show anything. A chart of timings is drawn when the cell is run.
        found += [f"a stored {mime}" for mime in BITMAPS if mime in data]
        for mime, content in data.items():
            if mime in (*BITMAPS, WIDGET_VIEW):
                continue
            for what, pattern in UNSTABLE.items():
                if re.search(pattern, content):
                    found.append(f"{what} in a stored output")
        if "image/svg+xml" in data and not _is_described(data["image/svg+xml"]):
            found.append("a picture without title and description")
    return found


def _is_described(svg) -> bool:
    return all(re.search(rf"<{tag} id=[^>]+>[^<]+</{tag}>", svg) for tag in ("title", "desc"))


def _of_prose(text, folder) -> list:
    found = []
    for is_image, words, target in LINK.findall(text):
        if is_image and not words.strip():
            found.append(f"an image without alt text: {target}")
        if not target.startswith(("https://", "#")) and not (folder / target).exists():
            found.append(f"a link that leads nowhere: {target}")
    if "<img" in text:
        found.append("an <img> tag; use ![words](target)")
    return found


def opted_out(path: Path) -> list:
    """Return (cell id, reason) for each cell whose output is not compared."""
    notebook = nbformat.read(path, as_version=4)
    return [
        (cell.id, cell.metadata.get("nbval_reason", ""))
        for cell in notebook.cells
        if cell.cell_type == "code" and not is_compared(cell)
    ]
