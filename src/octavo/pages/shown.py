"""What shows itself: a value that is a page in a notebook, and one line elsewhere."""

from abc import ABC, abstractmethod

from octavo.pages.page import Page


class Shown(ABC):
    """A value with a page; ``page.save(path)`` writes it."""

    @property
    @abstractmethod
    def page(self) -> Page:
        """All of it, to look at."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.page.title}>"

    def _repr_html_(self) -> str:
        return self.page._repr_html_()
