"""The browser and the JupyterLab of each module of tests, in the light and the dark theme.

``test_pages.py`` has a JupyterLab of its own, and changes its theme.
"""

import os

import pytest
from jupyter import CHROMIUM_FLAGS, find_browser, running_lab
from page import ROOT
from playwright.sync_api import Error, sync_playwright


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
