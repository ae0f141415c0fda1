"""What a run's autoencoder makes of events, from the bits of its frames alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.run.context import TRAINING, Context
from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import Conditions
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity

if TYPE_CHECKING:
    from metrics.baselines import Reconstruction

_HEADER_BITS = 5


def reconstruct(context: Context, model: EncoderModel, batch: Batch) -> Reconstruction:
    """Return the autoencoder's reconstruction of a batch from its frames: encode, pack, unpack, decode.

    Raises
    ------
    RunDirectoryError
        When the decoder's weights are not what the training left.
    DataError
        When the batch has not what the decoder's conditions need.
    """
    from econ_ae.econt.autoencoder import SUM_BITS
    from econ_ae.training import artifact
    from metrics.baselines import Reconstruction

    context.run.check("train")
    if model.sends_cells:
        charges, bits = cells_as_received(context, model, batch), frame_capacity(model.elinks)
        return Reconstruction("ae", "pulses", model.elinks, bits, charges, bits + _HEADER_BITS + SUM_BITS)
    pack = model.pack
    received = artifact.transmit(model, batch.charges)
    networks = artifact.load(context.config, context.geometry, context.path(TRAINING))
    known = Conditions(context.config.decoder.conditions).features(batch)
    decoded = artifact.decode(context.config, networks, model, received, known)
    bits = min(pack.bits, frame_capacity(pack.elinks))
    frame_bits = bits + _HEADER_BITS + SUM_BITS
    return Reconstruction("ae", "", pack.elinks, bits, decoded * received.total[:, None], frame_bits)


def known_besides(config: RunConfig) -> list[str]:
    """Return the note on what a run's decoder knows besides the transmitted bits; none where that is nothing."""
    names = config.decoder.conditions
    return [f"The autoencoder's decoder also knows of its module: {', '.join(names)}."] if names else []


def cells_as_received(
    context: Context, model: EncoderModel, batch: Batch, *, by_table: bool = False
) -> NDArray[np.float64]:
    """Return the images, float64 (n, cells), that a receiver makes of the pulses of a batch.

    Parameters
    ----------
    by_table : without the network
    """
    from econ_ae.training.cells import artifact

    received = artifact.transmit(model, batch.charges)
    decoder = artifact.load(context.config, context.geometry, context.path(TRAINING))
    known = Conditions(context.config.decoder.conditions).features(batch)
    return decoder.fractions(model, received, known, by_table=by_table) * received.total[:, None]
