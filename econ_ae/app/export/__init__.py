"""Packages for those who run an encoder elsewhere: what they merge, and the proof that it computes the same."""
