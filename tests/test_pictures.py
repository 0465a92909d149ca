"""The drawn pictures: what is committed is what the scripts draw, and it ships."""

import xml.etree.ElementTree as ET

import pytest
from draw_images import drawn

from lecture_helpers import show_picture


def test_committed_pictures_are_what_their_scripts_draw():
    pictures = drawn()
    assert pictures
    for file, svg in pictures.items():
        assert file.read_text(encoding="utf-8") == svg, f"run tools/draw_images.py: {file.name}"


def test_a_picture_shows_itself_and_says_what_it_shows():
    picture = show_picture("autograd_function_graph")
    root = ET.fromstring(picture.svg)
    title, words = (
        root.find(f"{{http://www.w3.org/2000/svg}}{tag}").text for tag in ("title", "desc")
    )
    assert picture.to_text() == f"{title}\n{words}"
    assert "arrives at x as 42.0" in words
    assert picture._repr_mimebundle_()["image/svg+xml"] == picture.svg


def test_an_unknown_picture_lists_those_there_are():
    with pytest.raises(ValueError, match="no picture 'nope'; the pictures are .*autograd_function"):
        show_picture("nope")
