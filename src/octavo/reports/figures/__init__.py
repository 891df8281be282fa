"""Figures as PNG and SVG, drawn with Matplotlib, which is imported when the first figure is drawn."""
