"""Reproduce the course report's experiment and compare the results with it. Importing this loads no torch."""
