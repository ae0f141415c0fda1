"""A network of somebody else as integers: every operation is carried exactly, or refused with its layer's name."""
