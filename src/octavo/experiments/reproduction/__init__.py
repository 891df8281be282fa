"""The course report's experiment, run again and set beside what it reports. Importing this takes no torch."""
