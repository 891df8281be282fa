"""Figures as PNG and SVG, drawn with Matplotlib. Importing this takes nothing heavy."""
