"""Tables and coloured text for the terminal: one module for each value. Importing this package loads nothing."""
