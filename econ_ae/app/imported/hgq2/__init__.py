"""Models of HGQ2, which needs a newer Keras than is pinned here: they are read in a process of its own."""
