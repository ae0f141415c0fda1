"""`econ-ae explore`: a search of the design space, on one machine or a cluster."""
