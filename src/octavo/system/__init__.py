"""The machine: cores, memory, container limits, threads, installed packages, the terminal."""
