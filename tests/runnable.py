"""A test that runs a notebook needs what the notebook needs."""

import os

import pytest
from needs import lack_of


def skip_unless_runnable(path):
    """Skip the test, saying why, where the notebook cannot run; fail where CI is set."""
    lack = lack_of(path)
    if lack and os.environ.get("CI"):
        pytest.fail(lack, pytrace=False)
    if lack:
        pytest.skip(lack)
