"""The base of everything that a notebook shows as a picture and a terminal as text."""


class Shown:
    """Renders itself: a picture for a notebook, text everywhere else.

    ``draw/`` is loaded when the first picture is drawn, not before.
    """

    def _repr_mimebundle_(self, include=None, exclude=None):
        from .draw import bundle

        return bundle(self)

    def to_text(self) -> str:
        """Return the text form: what a terminal, a screen reader or a diff gets."""
        from .draw import text_of

        return text_of(self)

    def __str__(self):
        return self.to_text()

    __repr__ = __str__
