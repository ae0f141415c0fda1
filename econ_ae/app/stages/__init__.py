"""The stages of a run, one file each: a function of the run's context that returns the files it wrote."""
