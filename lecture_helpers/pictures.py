"""The lectures' fixed pictures: SVG files of ``images/``, shipped inside the package."""

import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from .shown import Shown

_HERE = Path(__file__).resolve().parent
FOLDERS = (_HERE / "images", _HERE.parent / "images")  # in a wheel, in a checkout


@dataclass(frozen=True, repr=False)
class Picture(Shown):
    """A drawn picture: its SVG and, in words, what it shows."""

    svg: str
    words: str


def show_picture(name: str) -> Picture:
    """Return the picture ``images/<name>.svg``.

    Raises:
        ValueError: there is no such picture; the message lists those there are.
    """
    for folder in FOLDERS:
        file = folder / f"{name}.svg"
        if file.is_file():
            svg = file.read_text(encoding="utf-8").strip()
            return Picture(svg, _described(svg))
    there = sorted({file.stem for folder in FOLDERS for file in folder.glob("*.svg")})
    raise ValueError(f"there is no picture {name!r}; the pictures are {', '.join(there)}")


def _described(svg: str) -> str:
    title, words = (
        re.search(rf"<{tag}[^>]*>(.*?)</{tag}>", svg, re.S) for tag in ("title", "desc")
    )
    return unescape(f"{title[1]}\n{words[1]}")
