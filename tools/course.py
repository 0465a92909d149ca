"""Set up the course in .venv, then open it or check it.

Usage:
    python3 tools/course.py open [OPTION ...]   open JupyterLab; options go to JupyterLab
    python3 tools/course.py test [OPTION ...]   run all tests; options go to pytest
"""

import hashlib
import os
import shlex
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
EXTRAS = {"open": "lab", "test": "lab,test"}
OLDEST = (3, 11)


def set_up(extras):
    """Make .venv and install the course with its pinned packages, unless that is done."""
    wanted = extras + "".join(
        (ROOT / name).read_text() for name in ("pyproject.toml", "constraints.txt")
    )
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    done = FOLDER / f"installed-{extras.replace(',', '-')}"
    if PYTHON.exists() and done.exists() and done.read_text() == digest:
        return
    print(f"Setting up {FOLDER} (the first time this downloads PyTorch) ...", flush=True)
    if not PYTHON.exists():
        make_environment()
    packages = ["--constraint", "constraints.txt", "--editable", f".[{extras}]"]
    install = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *packages]
    if subprocess.run([*install, "--quiet"], cwd=ROOT).returncode:
        sys.exit(f"The packages could not be installed. To see why, run: {shlex.join(install)}")
    done.write_text(digest)


def make_environment():
    """Make an empty .venv with pip in it."""
    try:
        import ensurepip  # noqa: F401, Debian and Ubuntu ship it in a package of its own
    except ImportError:
        sys.exit(
            "This Python cannot make virtual environments. On Debian and Ubuntu run "
            "'apt-get install -y python3-venv', then this command again."
        )
    venv.create(FOLDER, with_pip=True, clear=FOLDER.exists())


def open_course(options):
    """Sign the notebooks, so that stored pictures show at once, and start JupyterLab.

    The server listens on this machine only and asks for its token. It is allowed to
    run as root only where root asks for it, and only this one server.
    """
    notebooks = sorted(str(path) for path in (ROOT / "notebooks").glob("*.ipynb"))
    subprocess.run([PYTHON, "-m", "nbformat.sign", *notebooks], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    first_page = "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb"
    command = [PYTHON, "-m", "jupyterlab", first_page, "--ip=127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return run([*command, *options])


def run(command):
    """Run a command in the repository's folder until it ends, and return its exit status."""
    try:
        return subprocess.run(command, cwd=ROOT).returncode
    except KeyboardInterrupt:
        return 130


def main(arguments):
    if sys.version_info < OLDEST:
        sys.exit(
            f"The course needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}. Run the command with a newer one."
        )
    if not arguments or arguments[0] not in EXTRAS:
        sys.exit(__doc__.strip())
    task, *options = arguments
    set_up(EXTRAS[task])
    if task == "open":
        return open_course(options)
    return run([PYTHON, "-m", "pytest", *options])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
