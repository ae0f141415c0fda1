"""Quantization-aware training (the only subpackage, with econ_ae.freeze, that imports TensorFlow)."""
