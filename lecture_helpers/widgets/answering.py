"""How an answer is given: one line of text, one choice, several, or an order.

Each has a ``widget``, the ``draft`` (what would be committed now, None while it is
incomplete), and ``show``, ``clear`` and ``disable``.
"""

from html import escape

from ..questions import NONE, Question

CLASS = "lecture-answer"
# A front end cuts off a long line beside a box or in a button. These rules let it wrap.
STYLE = f"""<style>
.{CLASS} .widget-radio-box label, .{CLASS} .widget-checkbox, .{CLASS} .widget-label-basic,
.{CLASS} .jupyter-button {{
  height: auto; line-height: 1.5; overflow: visible; white-space: normal; text-align: left;
}}
.{CLASS} .widget-radio-box label, .{CLASS} .widget-label-basic {{
  position: relative; margin: 0; padding: 1px 0 1px 24px;
}}
.{CLASS} label > input {{ position: absolute; left: 2px; top: 4px; margin: 0; }}
.{CLASS} .widget-radio-box label > input {{ top: 2px; }}
.{CLASS} .jupyter-button {{ padding-top: 3px; padding-bottom: 3px; }}
</style>"""


def input_for(question: Question, changed, commit):
    """Return the input of a question, whose ``widget`` a page with ``STYLE`` shows in full.

    It calls ``changed()`` whenever its draft changes, and ``commit()`` where a key commits.
    """
    if question.kind == "number":
        return OneLine(changed, commit)
    kind = {"several": Several, "order": InOrder}.get(question.kind, OneChoice)
    made = kind(question.choices, changed)
    made.widget.add_class(CLASS)
    return made


class OneLine:
    """A line to type a number into. Enter commits."""

    def __init__(self, changed, commit):
        import ipywidgets

        self.widget = ipywidgets.Text(
            placeholder="a number, such as 4.5", layout=ipywidgets.Layout(width="16em")
        )
        self.widget.observe(lambda _change: changed(), "value")
        self._commit = commit
        self.widget.on_msg(self._told)

    def _told(self, _widget, content, _buffers):
        """Commit when Enter was pressed; ``on_submit``, which tells it too, is deprecated."""
        if content.get("event") == "submit":
            self._commit()

    @property
    def draft(self):
        return self.widget.value.strip() or None

    def show(self, answer):
        self.widget.value = answer

    def clear(self):
        self.widget.value = ""

    def disable(self, off):
        self.widget.disabled = off


class OneChoice:
    """Buttons of which one may be pressed in."""

    def __init__(self, choices, changed):
        import ipywidgets

        self.widget = ipywidgets.RadioButtons(
            options=choices, value=None, layout=ipywidgets.Layout(width="auto")
        )
        self.widget.observe(lambda _change: changed(), "value")

    @property
    def draft(self):
        return self.widget.value

    def show(self, answer):
        self.widget.value = answer

    def clear(self):
        self.widget.value = None

    def disable(self, off):
        self.widget.disabled = off


class Several:
    """A box to tick for each choice, and one for none of them."""

    def __init__(self, choices, changed):
        import ipywidgets

        takes_html = ipywidgets.__version__.startswith("7.")
        as_text = escape if takes_html else str
        self._boxes = {
            choice: ipywidgets.Checkbox(
                description=as_text(choice), indent=False, layout=ipywidgets.Layout(width="auto")
            )
            for choice in (*choices, NONE)
        }
        self._changed = changed
        for choice, box in self._boxes.items():
            box.observe(lambda change, choice=choice: self._ticked(choice, change.new), "value")
        self.widget = ipywidgets.VBox(list(self._boxes.values()))

    def _ticked(self, choice, is_ticked):
        """Untick what contradicts the box just ticked: "none of them", or all the others."""
        for other in self._boxes if is_ticked else ():
            if (other == NONE) != (choice == NONE):
                self._boxes[other].value = False
        self._changed()

    @property
    def draft(self):
        ticked = tuple(choice for choice, box in self._boxes.items() if box.value)
        return () if ticked == (NONE,) else ticked or None

    def show(self, answer):
        for choice, box in self._boxes.items():
            box.value = choice in (answer or (NONE,))

    def clear(self):
        for box in self._boxes.values():
            box.value = False

    def disable(self, off):
        for box in self._boxes.values():
            box.disabled = off


class InOrder:
    """A button for each choice, pressed in order; each then shows its place."""

    def __init__(self, choices, changed):
        import ipywidgets

        self._changed, self._placed, self._off = changed, [], False
        self._buttons = {
            choice: ipywidgets.Button(layout=ipywidgets.Layout(width="auto", min_width="8em"))
            for choice in choices
        }
        for choice, button in self._buttons.items():
            button.on_click(lambda _button, choice=choice: self._place(choice))
        self.widget = ipywidgets.VBox(
            list(self._buttons.values()), layout=ipywidgets.Layout(align_items="flex-start")
        )
        self._number()

    @property
    def draft(self):
        return tuple(self._placed) if len(self._placed) == len(self._buttons) else None

    def _place(self, choice):
        """Give a choice the next place; pressed again, it and all after it lose theirs."""
        if choice in self._placed:
            del self._placed[self._placed.index(choice) :]
        else:
            self._placed.append(choice)
        self._number()
        self._changed()

    def show(self, answer):
        self._placed = list(answer)
        self._number()

    def clear(self):
        self.show(())

    def disable(self, off):
        self._off = off
        self._number()

    def _number(self):
        for choice, button in self._buttons.items():
            place = f"{self._placed.index(choice) + 1}. " if choice in self._placed else ""
            button.description = f"{place}{choice}"
            button.disabled = self._off
