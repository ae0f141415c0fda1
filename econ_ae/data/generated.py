"""The sources of images that are made, not read."""

from __future__ import annotations

from collections.abc import Iterator

from econ_ae.config import PYTHIA, AdmixtureConfig, DataConfig
from econ_ae.data import pythia, synthetic
from econ_ae.data.batch import Batch
from econ_ae.errors import ConfigError
from econ_ae.geometry import WaferGeometry
from econ_ae.progress import Progress


def generated(
    data: DataConfig | AdmixtureConfig, seed: int, geometry: WaferGeometry, progress: Progress | None = None
) -> Batch:
    """Return the images of a generator, as configured.

    Raises
    ------
    ConfigError
        When a setting is out of range or does not suit the generator.
    ToolMissingError
        When Pythia is asked for and not installed.
    """
    (batch,) = generated_chunks(data, seed, geometry, data.events, progress)
    return batch


def generated_chunks(
    data: DataConfig | AdmixtureConfig,
    seed: int,
    geometry: WaferGeometry,
    size: int,
    progress: Progress | None = None,
) -> Iterator[Batch]:
    """Return the same images in batches of ``size``, in the memory of one batch.

    Raises
    ------
    ConfigError, ToolMissingError
        As ``generated``.
    """
    asked = data.synthetic
    share = 0.0 if asked.signals == () else asked.signal_share
    electronics = synthetic.Electronics(threshold_mip=asked.threshold, calibrated=asked.calibrated)
    if data.source == PYTHIA:
        kinds = ("ttbar",) if asked.signals is None else asked.signals or ("none",)
        if len(kinds) > 1:
            where = "data" if isinstance(data, DataConfig) else "training.admixture"
            raise ConfigError(
                f"{where}.synthetic.signals = {list(kinds)}: images of Pythia have one kind of signal; "
                "expected one name"
            )
        settings = pythia.PythiaParameters(asked.modules, asked.pileup, kinds[0], share, electronics=electronics)
        return pythia.chunks(data.events, seed, size, geometry, settings, progress)
    kinds = synthetic.SIGNALS[1:] if asked.signals is None else asked.signals
    parameters = synthetic.Parameters(
        asked.modules,
        pileup=synthetic.Pileup(mu=asked.pileup),
        signal=synthetic.Signal(share, kinds),
        electronics=electronics,
    )
    return synthetic.chunks(data.events, seed, size, geometry, parameters)
