"""The buttons of a widget, pressed as a learner does."""

import ipywidgets


def press(live, *names):
    """Press buttons by what stands on them; only those that are shown and enabled."""
    for name in names:
        found = [one for one in buttons(live.widget) if one.description == name]
        assert [one.disabled for one in found] == [False], name
        found[0].click()


def buttons(widget):
    """Return the buttons that are shown."""
    if widget.layout.display == "none":
        return []
    if isinstance(widget, ipywidgets.Button):
        return [widget]
    return [one for child in getattr(widget, "children", ()) for one in buttons(child)]
