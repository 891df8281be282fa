"""The machine: cores, memory, limits of containers, threads, installed packages, the terminal, progress."""
