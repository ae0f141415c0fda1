"""What a run's autoencoder makes of events, from the bits of its frames alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.run.context import TRAINING, Context
from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch
from econ_ae.data.classes import class_of
from econ_ae.data.module_checks import check_sums
from econ_ae.data.module_conditions import Conditions, received_sum
from econ_ae.errors import DataError
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity

if TYPE_CHECKING:
    from metrics.baselines import Reconstruction

_HEADER_BITS = 5


@dataclass(frozen=True)
class Receiver:
    """A decoder of a run's encoder.

    Parameters
    ----------
    config : that it was trained with
    folder : of its training
    """

    config: RunConfig
    folder: Path

    @classmethod
    def of(cls, context: Context) -> Receiver:
        """Return the run's own one; RunDirectoryError when its weights are not what the training left."""
        context.run.check("train")
        return cls(context.config, context.path(TRAINING))


def reconstruct(
    context: Context, model: EncoderModel, batch: Batch, receiver: Receiver | None = None
) -> Reconstruction:
    """Return the autoencoder's reconstruction of a batch from its frames: encode, pack, unpack, decode.

    Parameters
    ----------
    receiver : None is the run's own decoder

    Raises
    ------
    RunDirectoryError
        When the decoder's weights are not what the training left.
    DataError
        When the batch has not what the decoder's conditions need, is of another class of modules than the decoder, or
        the frames carry other module sums than the training computes.
    """
    from econ_ae.econt.autoencoder import SUM_BITS
    from econ_ae.training import artifact
    from metrics.baselines import Reconstruction

    receiver = receiver or Receiver.of(context)
    check_class(receiver.config, batch, str(context.run.path))
    if model.sends_cells:
        charges = cells_as_received(context, model, batch, receiver=receiver)
        bits = frame_capacity(model.elinks)
        return Reconstruction("ae", "pulses", model.elinks, bits, charges, bits + _HEADER_BITS + SUM_BITS)
    pack = model.pack
    received = artifact.transmit(model, batch.charges)
    check_sums(received_sum(batch), received.total, str(context.run.path))
    networks = artifact.load(receiver.config, context.geometry, receiver.folder)
    known = Conditions(receiver.config.decoder.conditions).features(batch)
    decoded = artifact.decode(receiver.config, networks, model, received, known)
    bits = min(pack.bits, frame_capacity(pack.elinks))
    frame_bits = bits + _HEADER_BITS + SUM_BITS
    return Reconstruction("ae", "", pack.elinks, bits, decoded * received.total[:, None], frame_bits)


def check_class(config: RunConfig, batch: Batch, where: str) -> None:
    """Raise DataError when images that were taken of one class of modules are to be decoded by another class's decoder.

    Parameters
    ----------
    config : of the decoder
    where : whose decoder, for the message
    """
    own = config.data.modules
    of = class_of(batch)
    if own is not None and of is not None and of != own.take:
        raise DataError(
            f"images of class {of!r} are to be decoded by {where}, the encoder and decoder of class {own.take!r}; "
            f"expected images of class {own.take!r}"
        )


def known_besides(config: RunConfig) -> list[str]:
    """Return the note on what a run's decoder knows besides the transmitted bits; none where that is nothing."""
    names = config.decoder.conditions
    return [f"The autoencoder's decoder also knows of its module: {', '.join(names)}."] if names else []


def cells_as_received(
    context: Context, model: EncoderModel, batch: Batch, *, receiver: Receiver | None = None, by_table: bool = False
) -> NDArray[np.float64]:
    """Return the images, float64 (n, cells), that a receiver makes of the pulses of a batch.

    Parameters
    ----------
    receiver : None is the run's own decoder
    by_table : without the network
    """
    from econ_ae.training.cells import artifact

    received = artifact.transmit(model, batch.charges)
    lossy = ~received.sent.exact
    check_sums(received_sum(batch)[lossy], received.total[lossy], str(context.run.path))
    receiver = receiver or Receiver.of(context)
    decoder = artifact.load(receiver.config, context.geometry, receiver.folder)
    known = Conditions(receiver.config.decoder.conditions).features(batch)
    return decoder.fractions(model, received, known, by_table=by_table) * received.total[:, None]
