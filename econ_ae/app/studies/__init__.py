"""Studies of finished runs, and what is done with data files outside runs."""
