"""Render values as HTML: a part shows one value, and a page is one file that needs no other.

A part can be read without script, which adds hover, keys and touch. Text of other people never becomes markup.
"""

from octavo.reports.html.page import HtmlPart, Page, make_page

__all__ = ["HtmlPart", "Page", "make_page"]
