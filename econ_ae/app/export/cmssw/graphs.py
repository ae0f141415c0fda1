"""The graphs of a package."""

from __future__ import annotations

from pathlib import Path

from econ_ae.app.export.cmssw.fragment import decoder_file, encoder_file
from econ_ae.app.export.cmssw.plan import Pair, Plan
from econ_ae.app.export.cmssw.target import LATENTS
from econ_ae.geometry import Arrangement


def pixels_of(given: Arrangement, wanted: Arrangement) -> tuple[int, ...]:
    """Return for every pixel of one image which pixel of another has its cell; -1 where none has."""
    place = {cell: pixel for pixel, cell in reversed(list(enumerate(given.cells))) if cell >= 0}
    return tuple(place.get(cell, -1) for cell in wanted.cells)


def write_graphs(plan: Plan, folder: Path) -> None:
    """Write every encoder and decoder; ModelError when float32 cannot hold an encoder's integers."""
    for number, pair in enumerate(plan.pairs):
        (folder / encoder_file(number)).write_bytes(_encoder(plan, pair))
        (folder / decoder_file(number)).write_bytes(_decoder(plan, pair))


def _encoder(plan: Plan, pair: Pair) -> bytes:
    from econ_ae.training.export_encoder import encoder_graph

    arrangement = pair.model.input.arrangement
    pixels = pixels_of(plan.image, arrangement)
    if plan.image == arrangement:  # the image as it is, with pixels that no cell fills
        pixels = tuple(range(len(arrangement.cells)))
    return encoder_graph(pair.model, plan.image.shape, pixels, pair.kept, LATENTS)


def _decoder(plan: Plan, pair: Pair) -> bytes:
    from econ_ae.training import artifact
    from econ_ae.training.export_decoder import Known, decoder_graph

    receiver = pair.receiver
    networks = artifact.load(receiver.config, pair.context.geometry, receiver.folder)
    known = Known(plan.decoder_width, dict(plan.target.columns))
    return decoder_graph(
        receiver.config.decoder,
        networks,
        latent=pair.model.latent,
        latents=pair.model.latents,
        known=known,
        image=plan.image.cells,
    )
