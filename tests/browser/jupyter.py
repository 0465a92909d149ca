"""A JupyterLab of its own for the tests, and the browser that looks at it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {  # nothing that asks the network, nothing that changes the page meanwhile
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "checkForUpdates": False, "fetchNews": "false"},
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},
}  # fmt: skip
THEME = "@jupyterlab/apputils-extension/themes.jupyterlab-settings"
STARTED_SECONDS = 60


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome, None where the PATH holds none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


class Lab:
    """A running JupyterLab: its address, its token, and how to reach a notebook in it.

    notebooks: the folder of the notebooks that it serves.
    answers: the folder in which its kernels keep a learner's answers.
    """

    def __init__(self, port, token, folder):
        self.address, self.token = f"http://127.0.0.1:{port}", token
        self.notebooks, self.answers = folder / "site" / "notebooks", folder / "answers"

    def notebook(self, name) -> str:
        """Return the address of a notebook, in single-document mode."""
        return f"{self.address}/doc/tree/notebooks/{name}?token={self.token}&reset"


@contextmanager
def running_lab(folder: Path, root: Path, theme: str):
    """Run JupyterLab on a signed copy of the notebooks, with folders of its own."""
    site = folder / "site"
    shutil.copytree(root / "notebooks", site / "notebooks",
                    ignore=shutil.ignore_patterns(".ipynb_checkpoints"))  # fmt: skip
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "LECTURE_PROGRESS": str(folder / "answers"),
    }  # fmt: skip
    for name, values in {**SETTINGS, THEME: {"theme": f"JupyterLab {theme.title()}"}}.items():
        file = folder / "settings" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    notebooks = sorted(str(path) for path in (site / "notebooks").glob("*.ipynb"))
    subprocess.run([sys.executable, "-m", "nbformat.sign", *notebooks], env=environment,
                   check=True, capture_output=True)  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", "--allow-root",
        f"--ServerApp.root_dir={site}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
    ]  # fmt: skip
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=site)
        try:
            lab = Lab(port, token, folder)
            _wait_until_up(lab, server, folder / "lab.log")
            yield lab
        finally:
            server.terminate()
            server.wait(20)


def _wait_until_up(lab, server, log):
    deadline = time.monotonic() + STARTED_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{lab.address}/api?token={lab.token}", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")
