"""Trained decoders as programs, and programs as TensorFlow graphs."""
