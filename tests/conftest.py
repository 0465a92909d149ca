"""What several test files share."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser"), str(ROOT / "tools")]
os.environ.pop("LECTURE_TEXT", None)  # a reader's own switch must not change the outputs


@pytest.fixture
def root():
    """The repository's folder."""
    return ROOT


@pytest.fixture(params=sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def notebook_path(request):
    """Each notebook of the course in turn."""
    return request.param
