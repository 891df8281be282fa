"""Figures. Importing this takes nothing heavy."""
