"""HTML of values: each part of a page is made from one value, and a page is one file that needs nothing else.

A part can be read without script; script adds hover, keys and touch. What comes from a text never becomes markup.
"""

from octavo.reports.html.page import HtmlPart, Page, make_page

__all__ = ["HtmlPart", "Page", "make_page"]
