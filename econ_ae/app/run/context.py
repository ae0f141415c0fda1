"""What every stage and study gets of a run, and the names of a run's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae import floatcodes
from econ_ae.app.run.directory import RunDirectory
from econ_ae.config import RunConfig
from econ_ae.data import store
from econ_ae.data.batch import Batch
from econ_ae.files import read_json
from econ_ae.fixedpoint import IntArray
from econ_ae.geometry import LOW_DENSITY, WaferGeometry
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Progress

FACTS = "dataset.json"
TRAINING = "training"
HISTORY = "history.json"
ENCODER = "encoder.json"
FREEZE = "freeze.json"
RTL = "rtl"
VERIFY = "verify"
VERIFICATION = "verification.json"
COSTS = "costs"
REPORT = "report"
HEADLINE = "headline.json"


@dataclass(frozen=True)
class Context:
    """What every stage gets."""

    run: RunDirectory
    geometry: WaferGeometry
    progress: Progress

    @property
    def config(self) -> RunConfig:
        """The run's configuration."""
        return self.run.config

    def path(self, *parts: str) -> Path:
        """Return a path in the run directory."""
        return self.run.path.joinpath(*parts)

    def rows(self, name: str) -> Batch:
        """Return the ``train``, ``validation`` or ``report`` rows; of a streamed set, the first training rows.

        Raises
        ------
        RunDirectoryError
            When the data stage has not finished, or its files are not what it wrote.
        """
        self.run.check("data")
        return store.load(self.run.path, name)

    def codes(self, events: int) -> IntArray:
        """Return trigger-cell codes, int64 (n, cells), of report rows, in the 4E3M code of a low-density front end."""
        return floatcodes.encode_4e3m(self.rows("report").charges[:events], floatcodes.LOW_DENSITY)

    def model(self) -> EncoderModel:
        """Return the frozen encoder.

        Raises
        ------
        RunDirectoryError
            When it is not what the freeze wrote, or that was made of other weights than those of the run.
        """
        self.run.check("freeze")
        return codec.loads(self.path(ENCODER).read_text(encoding="utf-8"))

    def json(self, *parts: str) -> Any:
        """Return the content of a JSON file of the run; RunDirectoryError when it is missing or damaged."""
        return read_json(self.path(*parts))


def open_run(path: Path, progress: Progress) -> Context:
    """Return the context of an existing run directory."""
    return Context(RunDirectory.open(path), LOW_DENSITY, progress)
