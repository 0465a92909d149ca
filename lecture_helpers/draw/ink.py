"""What every picture is drawn with: colours, text widths, shapes, the document.

A picture must read on a white page and on a nearly black one, in a front end
that shows it as an image: the ground is transparent, boxes bring a light fill
and dark text, and free text and lines are in one mid tone that has the same
contrast (4.3:1) with both grounds. Attributes only, no style: sanitising viewers
drop ``style``. Coordinates have one decimal, so the bytes never depend on
rounding noise.
"""

import hashlib
import unicodedata
from html import escape
from typing import NamedTuple

from .words import printable

MID = "#6f7a8c"
DARK = "#0f172a"
SOFT = "#475569"
BLUE = "#1d4ed8"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

# Advance widths of DejaVu Sans Bold in hundredths of an em, from the space to "~".
# It is among the widest of the fonts in use, so a label fits whichever one is found.
_WIDTHS = bytes([
    35, 46, 52, 84, 70, 100, 87, 31, 46, 46, 52, 84, 38, 42, 38, 37,
    70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40, 40, 84, 84, 84, 58,
    100, 77, 76, 73, 83, 68, 68, 82, 84, 37, 37, 77, 64, 100, 84, 85,
    73, 85, 77, 72, 68, 81, 77, 110, 77, 72, 73, 46, 37, 46, 84, 50,
    50, 67, 72, 59, 72, 68, 44, 72, 71, 34, 34, 67, 34, 104, 71, 69,
    72, 72, 49, 60, 48, 71, 65, 92, 65, 65, 58, 71, 37, 71, 84,
])  # fmt: skip


class Look(NamedTuple):
    """How a box looks: fill, border, border width, corner radius, dashes."""

    fill: str
    stroke: str
    width: float = 1.5
    radius: float = 8
    dashes: str = ""


LEAF = Look("#dbeafe", "#2563eb", radius=99)
OPERATION = Look("#f8fafc", MID)
RESULT = Look("#dcfce7", "#15803d", width=2.5, radius=99)
ALONE = Look("#e2e8f0", MID, width=2.5, radius=99, dashes="6 3")
MORE = Look("#f8fafc", MID, dashes="2 3")
ACTIVE = Look("#ffedd5", "#c2410c", width=2.5)
SPOILT = Look("#ffe4e6", "#c8143f", width=3.5)


def text_width(words: str, font_size: float) -> float:
    """Return the width of a label in pixels, in bold type, on the generous side."""
    total = 0
    for letter in words:
        code = ord(letter) - 32
        if 0 <= code < len(_WIDTHS):
            total += _WIDTHS[code]
        elif not unicodedata.combining(letter):
            total += 110 if unicodedata.east_asian_width(letter) in "WF" else 85
    return total / 100 * font_size


def broken(words: str, font_size: float, width: float) -> list:
    """Return a sentence in lines of at most ``width`` pixels, a longer word broken too."""
    lines = [""]
    for word in words.split():
        line = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and text_width(line, font_size) > width:
            lines.append("")
            line = word
        while text_width(line, font_size) > width and len(line) > 1:
            fits = _fitting(line, font_size, width)
            lines[-1], line = line[:fits], line[fits:]
            lines.append("")
        lines[-1] = line
    return lines


def _fitting(line, font_size, width) -> int:
    """Return how many letters of a line fit, one at the least."""
    count = 1
    while text_width(line[: count + 1], font_size) <= width:
        count += 1
    return count


def text(x, y, words, size=13.0, fill=DARK, bold=False, anchor="middle") -> str:
    """Return one line of text; ``x, y`` is its anchor on the base line."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}"'
        f'{weight} fill="{fill}">{escape(printable(words))}</text>'
    )


def box(x, y, width, height, look: Look) -> str:
    """Return a rounded rectangle with its top left corner at ``x, y``."""
    dashes = f' stroke-dasharray="{look.dashes}"' if look.dashes else ""
    radius = min(look.radius, height / 2)
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{radius:g}" fill="{look.fill}" stroke="{look.stroke}" '
        f'stroke-width="{look.width:g}"{dashes}/>'
    )


def arrow(points, stroke=MID, width=1.5, backward=False) -> str:
    """Return a smooth line through ``points``, with an arrow head at its end.

    The line leaves and enters each point horizontally. ``backward`` draws the head
    for a line that runs from right to left.
    """
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    reach = 8 + width if not backward else -8 - width
    tip_x, tip_y = rest[-1]
    for next_x, next_y in [*rest[:-1], (tip_x - reach, tip_y)]:
        middle = (x + next_x) / 2
        path += (
            f"H{next_x:.1f}"
            if next_y == y
            else f"C{middle:.1f} {y:.1f} {middle:.1f} {next_y:.1f} {next_x:.1f} {next_y:.1f}"
        )
        x, y = next_x, next_y
    half = 3 + width
    head = f"M{tip_x:.1f} {tip_y:.1f}L{tip_x - reach:.1f} {tip_y - half:.1f}V{tip_y + half:.1f}z"
    return (
        f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="{width:g}"/>'
        f'<path d="{head}" fill="{stroke}"/>'
    )


def document(parts, width, height, title, description, kind, marks="") -> str:
    """Return the finished SVG.

    ``kind`` becomes the ``data-kind`` mark that a test can wait for; ``marks`` are more such
    attributes, with a space before each. The ids of the
    title and the description carry a digest of the picture, so that two pictures on
    one page never share an id unless they are the same picture.
    """
    body = "".join(parts)
    lines = "\n".join(map(printable, description.split("\n")))
    words = escape(printable(title)), escape(lines)
    key = hashlib.sha256(f"{words}{body}".encode()).hexdigest()[:10]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" data-kind="{escape(kind)}"{marks} '
        f'aria-labelledby="t{key} d{key}" font-family="{FONT}">'
        f'<title id="t{key}">{words[0]}</title><desc id="d{key}">{words[1]}</desc>{body}</svg>'
    )
