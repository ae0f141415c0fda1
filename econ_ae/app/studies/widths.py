"""Learned bit widths of a run's encoder, at a price per kGE of the area model: a front of loss and area."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from econ_ae.app.area_model import AreaEstimate, estimate
from econ_ae.app.run.context import Context
from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import RunDirectoryError
from econ_ae.geometry import WaferGeometry

FOLDER = "widths"


@dataclass(frozen=True)
class Learned:
    """One encoder of the front.

    Parameters
    ----------
    epoch, loss : of the training; the loss is that of the validation events
    weights, activations : formats of every layer
    config : path of the configuration that has them, relative to the run
    """

    epoch: int
    loss: float
    area: AreaEstimate
    weights: tuple[str, ...]
    activations: tuple[str, ...]
    config: str

    def row(self) -> dict[str, str]:
        """Return it as a row of a table."""
        return {
            "epoch": str(self.epoch),
            "validation loss": f"{self.loss:.4f}",
            "kGE, estimated": f"{self.area.kge:.1f}",
            "configuration bits": str(self.area.registers),
            "weights": " ".join(self.weights),
            "activations": " ".join(self.activations),
            "configuration": self.config,
        }


def learn(context: Context, price: float, epochs: int | None = None, *, overwrite: bool = False) -> list[Learned]:
    """Train the widths of a run's encoder on its training rows; write ``widths/``, and return the front.

    Parameters
    ----------
    price : validation loss that 100 kGE are worth
    epochs : default: those of the run
    overwrite : replace an earlier search

    Raises
    ------
    ConfigError
        When the encoder sends cells, or its formats cannot be learned.
    RunDirectoryError
        When there is a search already, or another process writes in the run.
    """
    with context.run.lock(context.progress):
        folder = context.path(FOLDER)
        if folder.exists() and not overwrite:
            raise RunDirectoryError(f"{folder} exists; give --overwrite to replace it")
        config = context.config
        if epochs is not None:
            config = config.model_copy(update={"training": config.training.model_copy(update={"epochs": epochs})})
        return _learn(context, config, price)


def _learn(context: Context, config: RunConfig, price: float) -> list[Learned]:
    from econ_ae.training.width_search import Search

    folder, geometry = context.path(FOLDER), context.geometry
    batches = context.rows("train"), context.rows("validation")
    search = Search(config, geometry, price / 100, lambda changed: area(changed, geometry).kge)
    search.check()
    shutil.rmtree(folder, ignore_errors=True)
    found = []
    for point in search.run(batches, folder, context.progress):
        own = search.config_of(point)
        layers = own.encoder.layers
        found.append(
            Learned(
                point.epoch,
                point.loss,
                area(own, geometry),
                tuple(layer.weight for layer in layers),
                tuple(layer.activation for layer in layers),
                f"{FOLDER}/{point.folder}/config.json",
            )
        )
    return found


def area(config: RunConfig, geometry: WaferGeometry) -> AreaEstimate:
    """Return the estimate for the encoder that a configuration describes."""
    return estimate(skeleton(config, geometry), config.hardware.registers)
