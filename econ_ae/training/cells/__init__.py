"""Learning to send cells as pulses: the choice of the mode, and the decoders of what is received."""
