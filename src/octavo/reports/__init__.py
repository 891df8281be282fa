"""Reports of one run and comparisons of several: values built once, rendered as HTML, Markdown, figures or text."""
