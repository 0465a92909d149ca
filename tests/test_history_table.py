"""What a grad_history shows, as text and as HTML."""

import re

import torch
from sound import SendsNothing, leaf

from lecture_helpers import grad_history

HTML = re.compile(r"<(?:th|td)[^>]*>(.*?)</(?:th|td)>")


def test_text_and_html_of_one_tensor():
    w = leaf(2.0)
    with grad_history(w) as history:
        (w * 0).backward()
        w.grad = None
        SendsNothing.apply(w).backward()
        w.grad = torch.tensor(-1.5)
    assert str(history).splitlines() == [
        "what happened                                 .grad before  added  .grad after",
        "start                                         -             -      None",
        "backward 1: (w * 0).backward()                None          0.0    0.0",
        "reset: .grad = None                           0.0           -      None",
        "backward 2: SendsNothing.apply(w).backward()  None          None   None",
        ".grad changed                                 None          -      -1.5",
    ]
    html, none = history.to_html(), "<i>None</i>"
    rows = [HTML.findall(row) for row in re.findall("<tr>(.*?)</tr>", html)]
    assert rows == [
        ["what happened", ".grad before", "added", ".grad after"],
        ["start", "", "", none],
        ["backward 1: <code>(w * 0).backward()</code>", none, "0.0", "0.0"],
        ["reset: .grad = None", "0.0", "", none],
        ["backward 2: <code>SendsNothing.apply(w).backward()</code>", none, none, none],
        [".grad changed", none, "", "-1.5"],
    ]
    assert html.count("<tbody>") == 1 and html.count('<th scope="row"') == 5
    assert history._repr_mimebundle_() == {"text/html": html, "text/plain": str(history)}


def test_text_and_html_of_several_tensors():
    w, b = leaf(2.0), leaf(3.0)
    with grad_history(w, b) as history:
        (w * b).backward()
        w.grad.zero_(), b.grad.zero_()
        w.backward()
    lines = str(history).splitlines()
    assert lines[0].split() == [
        "what", "happened", "name", ".grad", "before", "added", ".grad", "after"]  # fmt: skip
    assert [line.split()[0] for line in lines[1:5]] == ["start", "start", "backward", "backward"]
    groups = re.findall("<tbody>(.*?)</tbody>", history.to_html())
    assert [group.count("<tr>") for group in groups] == [2, 2, 2, 1]
    cells = [HTML.findall(group) for group in groups]
    assert cells[0] == ["start", "w", "", "", "<i>None</i>", "b", "", "", "<i>None</i>"]
    assert cells[2] == ["reset: .grad filled with zeros", "w", "3.0", "", "0.0",
                        "b", "2.0", "", "0.0"]  # fmt: skip
    assert [group.count('scope="rowgroup" rowspan="2"') for group in groups] == [1, 1, 1, 0]


def test_a_long_history_shows_its_ends_and_an_empty_one_says_so():
    w = leaf(2.0)
    with grad_history(w) as history:
        for _ in range(100):
            w.backward()
    lines = str(history).splitlines()
    assert len(history.rows) == 101 and len(lines) == 62
    assert lines[31] == "... 41 rows left out; .rows holds them all ..."
    assert lines[30].startswith("backward 29: ") and lines[32].startswith("backward 71: ")
    html = history.to_html()
    assert html.count("<tr>") == 62 and "41 rows left out" in html
    empty = grad_history(w)
    assert str(empty).startswith("nothing recorded yet") and "nothing recorded" in empty.to_html()


def test_each_event_has_a_row_or_group_of_its_own():
    w, b = leaf(2.0), leaf(3.0)
    with grad_history(w, b) as several:
        for _ in range(2):
            (w * b).backward()
    assert several.to_html().count('scope="rowgroup" rowspan="2"') == 3
    with grad_history(w) as one:
        w.grad = torch.tensor(7.0)
    with one:
        w.grad = torch.tensor(8.0)
    assert one.to_html().count(">.grad changed</th>") == 2


def test_sixty_rows_are_all_shown():
    w = leaf(2.0)
    with grad_history(w) as history:
        for _ in range(59):
            w.backward()
    assert len(str(history).splitlines()) == 61 and "left out" not in history.to_html()


def test_names_and_sources_are_escaped_and_long_sources_cut():
    with grad_history(**{"<i>": leaf(1.0), "other": leaf(1.0)}) as history:
        [one[1].backward() for one in history._log.leaves if 1 < 2 and "<b>" != "</b>" + "x" * 40]
    html = history.to_html()
    assert "<td>&lt;i&gt;</td>" in html and "<b>" not in html and "1 &lt; 2" not in str(history)
    source = history.rows[2].source
    assert len(source) > 60 and source not in str(history) and source[:25] in str(history)
