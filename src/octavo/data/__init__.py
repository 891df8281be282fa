"""Token ids on disk, windows of them, and the order in which training visits the windows."""
