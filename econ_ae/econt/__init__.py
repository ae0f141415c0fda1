"""The ECON-T chip: arithmetic, algorithms, frames, registers."""
