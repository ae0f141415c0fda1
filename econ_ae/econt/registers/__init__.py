"""Register files of the ECON-T: facts, readers, writers, weight exchange."""
