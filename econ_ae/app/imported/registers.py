"""Register files of the chip as models: their weights with the chip's shape and formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from econ_ae.app.imported.bare import ACTIVATION, LATENT
from econ_ae.app.imported.encoder import Encoder, Stage, add_conv, add_dense, finished
from econ_ae.app.imported.settings import Choice
from econ_ae.econt.registers.import_weights import import_weights
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY


def encoder(path: Path, choice: Choice) -> Encoder:
    """Return the encoder in a register file, or in any form that ``econ-ae registers export`` writes.

    The image is the wafer's (8x8x1), whatever the file's mux makes of the front end's words; the keep mask is the
    file's where it keeps leading bits.

    Raises
    ------
    RegisterError
        What is wrong with the file.
    """
    read = import_weights(path, dense_order=choice.dense_order)
    arrangement = LOW_DENSITY.arrangement("8x8x1")
    found = Encoder(arrangement, choice, arrangement.shape)
    for message in read.messages:
        found.say(message)
    conv, dense = read.model.layers
    weight = FixedFormat.parse("s0.5")
    step = 2.0**-weight.fraction
    first, second = (
        Stage(
            layer.name,
            np.asarray(layer.kernel * step, np.float64),
            np.asarray(layer.bias * step, np.float64),
            weight,
            weight,
            relu=True,
            out=FixedFormat.parse(text),
        )
        for layer, text in ((conv, ACTIVATION), (dense, LATENT))
    )
    first.stride = 2
    add_conv(found, first, same=True)
    add_dense(found, second)
    found.say("the image is the wafer's 8x8x1; the mux of the register file is not part of the encoder")
    return finished(found)
