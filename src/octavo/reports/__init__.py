"""A whole run on one page, and several runs side by side: collected as values first, then written."""
