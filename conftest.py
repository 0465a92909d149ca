"""A notebook that cannot run here is one skipped test with its reason, not its cells.

Where CI is set it fails: there every notebook runs.
"""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
os.environ["LECTURE_PROGRESS"] = "off"  # a reader's own answers must not change the outputs
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]

from needs import lack_of  # noqa: E402
from runnable import skip_unless_runnable  # noqa: E402


class NotRun(pytest.Item):
    """Stands for all cells of a notebook that cannot run."""

    def runtest(self):
        skip_unless_runnable(self.path)

    def reportinfo(self):
        return self.path, None, self.name


class NotRunFile(pytest.File):
    """Stands in nbval's place for a notebook that cannot run."""

    def collect(self):
        yield NotRun.from_parent(self, name="all cells")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Put one item in the place of a notebook's cells where they cannot run."""
    collected = yield
    if collected and lack_of(file_path):
        return [NotRunFile.from_parent(parent, path=file_path)]
    return collected
