"""Upsets: single flip-flops flipped, and what the triplication makes of it."""
