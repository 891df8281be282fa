"""Files: atomic writes, bounded reading of untrusted files, and the types of JSON and TOML values."""
