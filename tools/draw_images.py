"""Draw the pictures in images/: each NAME.py there has draw(), which gives NAME.svg.

Usage: python tools/draw_images.py
"""

import runpy
from pathlib import Path

IMAGES = Path(__file__).resolve().parent.parent / "images"


def drawn() -> dict:
    """Return the SVG text of each picture by its file."""
    return {
        script.with_suffix(".svg"): runpy.run_path(str(script))["draw"]() + "\n"
        for script in sorted(IMAGES.glob("*.py"))
    }


def main():
    for file, svg in drawn().items():
        file.write_bytes(svg.encode())
        print(f"drew {file.name}")


if __name__ == "__main__":
    main()
