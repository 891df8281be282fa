"""Tables and coloured text for the terminal. Importing this takes nothing heavy."""
