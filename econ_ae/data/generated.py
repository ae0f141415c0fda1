"""The sources of images that are made, not read."""

from __future__ import annotations

from econ_ae.config import PYTHIA, DataConfig
from econ_ae.data import pythia, synthetic
from econ_ae.data.batch import Batch
from econ_ae.errors import ConfigError
from econ_ae.geometry import WaferGeometry
from econ_ae.progress import Progress


def generated(data: DataConfig, seed: int, geometry: WaferGeometry, progress: Progress | None = None) -> Batch:
    """Return the images of a generator, as configured.

    Raises
    ------
    ConfigError
        When a setting is out of range or does not suit the generator.
    ToolMissingError
        When Pythia is asked for and not installed.
    """
    share = 0.0 if data.signals == () else data.signal_share
    electronics = synthetic.Electronics(threshold_mip=data.threshold, calibrated=data.calibrated)
    if data.source == PYTHIA:
        kinds = ("ttbar",) if data.signals is None else data.signals or ("none",)
        if len(kinds) > 1:
            raise ConfigError(
                f"data.signals = {list(kinds)}: images of Pythia have one kind of signal; expected one name"
            )
        settings = pythia.PythiaParameters(data.modules, data.pileup, kinds[0], share, electronics=electronics)
        return pythia.generate(data.events, seed, geometry, settings, progress)
    kinds = synthetic.SIGNALS[1:] if data.signals is None else data.signals
    parameters = synthetic.Parameters(
        data.modules,
        pileup=synthetic.Pileup(mu=data.pileup),
        signal=synthetic.Signal(share, kinds),
        electronics=electronics,
    )
    return synthetic.generate(data.events, seed, geometry, parameters)
