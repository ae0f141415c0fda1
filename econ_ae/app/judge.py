"""The clusters of a run's validation events, where they and not the EMD choose what a training keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from econ_ae.config import RunConfig
from econ_ae.data.batch import Batch
from econ_ae.data.readers.cms_events import SUFFIX
from econ_ae.data.whole_events import of_rows
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import WaferGeometry

if TYPE_CHECKING:
    from metrics.trigger.kept import KeptClusters

PHYSICS = "physics"


def check(config: RunConfig) -> None:
    """Find out before any work whether a run can be judged by clusters; ConfigError when its data have none."""
    if config.training.select == PHYSICS and Path(config.data.source).suffix != SUFFIX:
        raise ConfigError(
            f'training.select = "physics" makes clusters of whole events, which {config.data.source!r} does not hold; '
            f'expected a file of whole events ({SUFFIX}, econ-ae data generate makes one), or training.select = "emd"'
        )


def judge_of(config: RunConfig, geometry: WaferGeometry, validation: Batch) -> KeptClusters | None:
    """Return the clusters that judge a training; None where ``training.select`` is not ``physics``.

    Parameters
    ----------
    validation : rows of the run; those with charge are judged

    Raises
    ------
    ConfigError
        When the run's data are no whole events.
    DataError
        When the rows lack a column, or have too few clusters.
    """
    if config.training.select != PHYSICS:
        return None
    from metrics.trigger.kept import FEWEST, KeptClusters

    check(config)
    rows = validation[validation.total > 0]
    images, per_charge = of_rows(rows, geometry, transverse=not config.data.in_counts)
    found = KeptClusters(images, rows.charges, per_charge)
    if len(found) < FEWEST:
        raise DataError(
            f'training.select = "physics" found {len(found)} clusters in {len(images.events)} validation events; '
            f"expected at least {FEWEST}: give more of data.cms_events.validation_events, or more modules"
        )
    return found
