"""Runs an encoder model on integer numpy arrays: the model that everything generated must equal, bit for bit."""

from econ_ae.emulator.cells import Pulses
from econ_ae.emulator.integers import floor_log2
from econ_ae.emulator.layers import Trace, encode, encode_images, input_images, normalise
from econ_ae.emulator.pulses import encode_pulses

__all__ = [
    "Pulses",
    "Trace",
    "encode",
    "encode_images",
    "encode_pulses",
    "floor_log2",
    "input_images",
    "normalise",
]
