"""Benchmarks: the speed of Octavo on this machine, measured in one session. Importing this loads no torch."""
