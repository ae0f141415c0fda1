"""Power before layout, from the activity of a simulation and the tables of a library."""
