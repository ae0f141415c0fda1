"""`econ-ae explore`: a search from its file to its page, and on from where it was cut off."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from econ_ae.app import pipeline
from econ_ae.app.area_model.estimate import coefficients
from econ_ae.app.explore import page
from econ_ae.app.explore.cluster import PATIENCE, Cluster, opened
from econ_ae.app.explore.directory import DATA, SearchDirectory
from econ_ae.app.explore.driver import Driver
from econ_ae.app.explore.finish import finish
from econ_ae.app.explore.points import data_key
from econ_ae.app.explore.records import Trial
from econ_ae.app.explore.storage import Log
from econ_ae.app.explore.work import Work, work
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import MANIFEST, RunDirectory, check_free, clear_unfinished
from econ_ae.app.stages import data
from econ_ae.config import RunConfig
from econ_ae.config.explore import ExploreConfig
from econ_ae.files import sha256
from econ_ae.geometry import LOW_DENSITY
from econ_ae.process import YOSYS, require
from econ_ae.progress import Progress


@dataclass(frozen=True)
class Options:
    """How a search is done, none of which changes what it finds.

    Parameters
    ----------
    workers : processes on this machine; None takes as many as there are CPUs and memory for
    cluster : address of a Dask scheduler, instead of those
    storage : URL of a database; None keeps the trials in the directory
    verify : the Verilog of the front is verified at the end
    patience : seconds in which a lost scheduler or database may come back
    work : what a worker does
    """

    workers: int | None = None
    cluster: str | None = None
    storage: str | None = None
    verify: bool = True
    patience: float = PATIENCE
    work: Work = work


def run(
    path: Path, config: ExploreConfig | None, options: Options, *, overwrite: bool, resume: bool, progress: Progress
) -> list[Trial]:
    """Do a search in ``path`` and return all its trials.

    Nothing is written before the data have been read, the tools found and the scheduler reached.

    Parameters
    ----------
    config : None continues with the settings that are in ``path``

    Raises
    ------
    ConfigError
        When no draw is a point that may be trained.
    DataError
        When the data cannot be read.
    RunDirectoryError
        When the directory or the storage hold something else, see ``SearchDirectory`` and ``Log``.
    LibertyError
        When the cell library cannot be read.
    ToolError, ToolMissingError
        When scheduler or storage cannot be reached, or stay away; a program is missing.
    """
    place = SearchDirectory.resume(path, config) if resume and path.exists() else None
    if place is None:
        assert config is not None  # without a directory there is one
        check_free(path, overwrite=overwrite)
    found = config if place is None else place.config
    assert found is not None
    if options.verify:
        pipeline.check_tools()
    if found.synthesis is not None and found.synthesis.liberty is None:
        progress.say("nothing is synthesised: give the cell library with --liberty")
    elif found.synthesis is not None and found.synthesis.liberty is not None:
        require(YOSYS)
        check_library(Path(found.synthesis.liberty), progress)
    url = options.storage if place is None else place.url(options.storage)
    shared = _Shared(progress)
    if place is None:
        prepared = data.prepare(found.space.base, LOW_DENSITY, progress)
        progress.say(prepared.title)
        shared.ready[data_key(found.space.base)] = prepared
    retries = found.budget.retries
    cluster = Cluster(options.cluster or "", options.workers, options.work, progress, retries, options.patience)
    with opened(cluster):
        mode = "attach" if resume else "replace" if overwrite else "new"
        if place is None and url is not None:
            Log(
                url, found, mode=mode, patience=0.0
            ).close()  # what is wrong with it is found before anything is written
        if place is None:
            place = SearchDirectory.create(path, found, url=url, overwrite=overwrite)
        with (
            place.lock(progress),
            closing(Log(place.url(options.storage), found, mode="attach", patience=options.patience)) as log,
        ):
            driver = Driver(place, log, cluster, shared, progress, lambda trials: page.write(place, trials))
            driver.run()
            trials = finish(place, cluster, driver, verify=options.verify, progress=progress)
            log.amend({"trials": len(trials)})
            page.write(place, trials)
    return trials


def check_library(path: Path, progress: Progress) -> None:
    """Say when a cell library is not the one that areas are estimated in; LibertyError when it is none."""
    from rtl_gen.costs.library.cells import read

    known = coefficients().provenance
    with tempfile.TemporaryDirectory() as folder:
        library = read(path, Path(folder))
        if sha256(library.path) != known.library_sha256:
            progress.say(
                f"areas are estimated in {known.library} and measured in {path}, another library ({library.name}) with "
                "gate equivalents of its own: points that are synthesised do not compare with the others"
            )


@dataclass
class _Shared:
    """Makes the runs that hold the rows of all points with the same settings of data."""

    progress: Progress
    ready: dict[str, data.Prepared] = field(default_factory=dict)  # read before there was a directory

    def __call__(self, config: RunConfig, path: Path) -> None:
        """Read the rows into the run in ``path``, unless they are there; DataError when that cannot be."""
        if (path / MANIFEST).is_file() and RunDirectory.open(path).has("data"):
            return
        prepared = self.ready.pop(data_key(config), None) or data.prepare(config, LOW_DENSITY, self.progress)
        pipeline.check_settings(config, LOW_DENSITY, prepared.rows)
        clear_unfinished(path)
        run = RunDirectory.create(path, config, overwrite=(path / MANIFEST).is_file())
        with run.lock(self.progress):
            data.write(Context(run, LOW_DENSITY, self.progress), prepared)


def data_of(place: SearchDirectory) -> Path:
    """Return the run that holds the rows of the base of a search."""
    return place.path / DATA / data_key(place.config.space.base)
