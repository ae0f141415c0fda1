"""A run: its directory and what every stage gets of it."""
