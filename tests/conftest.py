"""What several test files share."""

import gc
import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser"), str(ROOT / "tools")]
os.environ.pop("LECTURE_TEXT", None)  # a reader's own switch must not change the outputs


@pytest.fixture
def root():
    """The repository's folder."""
    return ROOT


@pytest.fixture
def recording_stays_on():
    """A check that switches recording off has switched it on again."""
    yield
    assert torch.is_grad_enabled()


@pytest.fixture(scope="module")
def light_collector():
    """Python's garbage collector passes over what was there before: a hundred collections,
    each of all that torch and pytest have imported, take a minute."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A kernel's progress of its own, kept in a folder that is empty at first."""
    from lecture_helpers import progress

    monkeypatch.setattr(progress, "_progress", progress.Progress(tmp_path / "answers"))
    return progress.progress()


@pytest.fixture(params=sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def notebook_path(request):
    """Each notebook of the course in turn."""
    return request.param
