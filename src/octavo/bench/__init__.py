"""How fast Octavo is on this machine, measured side by side in one sitting. Importing this takes no torch."""
