"""Encoders of campaigns, families and runs, each module with the one for its eLinks or its class."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.campaign import members
from econ_ae.app.physics import algorithms
from econ_ae.app.physics.algorithms import Charges
from econ_ae.app.physics.sample import Sample
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import FACTS, Context, open_run
from econ_ae.app.run.family import is_campaign, is_family, run_paths
from econ_ae.app.stages.modules import class_map
from econ_ae.config.campaign import CampaignConfig
from econ_ae.data import store
from econ_ae.data.batch import Batch
from econ_ae.data.readers.cms_events import SUFFIX
from econ_ae.data.whole_events import WholeEvents
from econ_ae.errors import ConfigError
from econ_ae.files import read_json
from econ_ae.ir import codec
from econ_ae.progress import Progress

_CHUNK = 100_000  # modules that are encoded at a time
_REPORT = Path("report") / "report.json"


@dataclass(frozen=True)
class Encoders:
    """An encoder for every class of modules.

    Parameters
    ----------
    name : in tables
    classes : by name of the class: its encoder, or the name of an algorithm that it sends with
    elinks : by name of the class
    campaign : that says which module is in which class; None goes by eLinks
    """

    name: str
    classes: Mapping[str, Context | str]
    elinks: Mapping[str, int]
    campaign: CampaignConfig | None = None

    @property
    def contexts(self) -> list[Context]:
        """The runs of the encoders."""
        return [one for one in self.classes.values() if isinstance(one, Context)]

    def elinks_of(self, images: WholeEvents) -> NDArray[np.int64] | None:
        """Return the eLinks of modules, int64 (n,), as the campaign's map has them; None without a campaign."""
        if self.campaign is None:
            return None
        return np.array([self.elinks[name] for name in self.elinks], np.int64)[self._class_of(images)]

    def _class_of(self, images: WholeEvents) -> NDArray[np.int64]:
        assert self.campaign is not None
        taken = self.campaign.first.data.modules
        assert taken is not None  # the campaign gave it
        return class_map(taken).assign(images.batch.metadata, len(images), list(self.elinks))

    def check(self, elinks: Sequence[int]) -> None:
        """Raise ConfigError when there is no encoder for one of these numbers of eLinks."""
        missing = sorted(set(elinks) - set(self.elinks.values()))
        if missing and self.campaign is None:
            raise ConfigError(
                f"{self.name} has no encoder for modules with {missing[0]} eLinks; give a run for each of "
                f"{', '.join(map(str, elinks))} eLinks, or a campaign"
            )

    def received(self, sample: Sample, progress: Progress) -> Charges:
        """Return the charges that a receiver has of every module, float32 (n, cells), counts.

        Raises
        ------
        ConfigError
            As ``check``.
        """
        names = list(self.elinks)
        self.check(np.unique(sample.elinks).tolist())
        if self.campaign is None:
            by_links = {links: i for i, links in enumerate(self.elinks.values())}
            of = np.array([by_links[links] for links in sample.elinks.tolist()], np.int64)
        else:
            of = self._class_of(sample.images)
        out = np.empty(sample.images.batch.charges.shape, np.float32)
        with progress.bar(self.name, len(sample)) as bar:
            for i, name in enumerate(names):
                rows, sender = np.flatnonzero(of == i), self.classes[name]
                if isinstance(sender, str):
                    if len(rows):
                        part = Sample(sample.images[rows], sample.elinks[rows])
                        out[rows] = algorithms.received(sender, part, progress)
                    continue
                model = sender.model()
                for start in range(0, len(rows), _CHUNK):
                    part_rows = rows[start : start + _CHUNK]
                    batch = sample.images.batch[part_rows]
                    out[part_rows] = reconstruct(sender, model, batch).charges
                    bar.advance(len(part_rows), name)
        return out

    def saw(self, sha256: str) -> set[int]:
        """Return the events of a file that an encoder or its decoder was trained or chosen on.

        Parameters
        ----------
        sha256 : of the file; a run that was retrained on another file knows that one alone
        """
        found: set[int] = set()
        for context in self.contexts:
            if context.json(FACTS).get("sha256") == sha256:
                found |= _events([context.rows("validation")])
                training = store.streamed(context.run.path)
                if training is None:
                    found |= _events([context.rows("train")])
                    continue
                with training.open() as data:
                    found |= _events(data.batches())
        return found

    def facts(self) -> dict[str, str]:
        """Return the hashes of the encoders by class."""
        return {
            name: one if isinstance(one, str) else f"{one.run.path.name}, encoder {codec.sha256(one.model())[:12]}"
            for name, one in self.classes.items()
        }


def read(paths: Sequence[Path], progress: Progress, *, transverse: bool = False) -> list[Encoders]:
    """Return the encoders of campaigns and families, and those of the other runs: one of each eLink count together.

    Parameters
    ----------
    transverse : whether they will be given CALQ, as ntuples have it, and not decoded counts

    Raises
    ------
    RunDirectoryError
        When a path is none of them, or a run has no frozen encoder.
    ConfigError
        When a path is given twice, or was trained on charges of another unit.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise ConfigError(f"a run is given twice: {', '.join(map(str, paths))}; give each once")
    out, alone = [], []
    for path in paths:
        if is_campaign(path):
            out.append(_of_campaign(path, progress))
        elif is_family(path):
            out.append(_by_elinks(path.name, [open_run(one, progress) for one in run_paths(path)]))
        else:
            alone.append(open_run(path, progress))
    sets: list[list[Context]] = []
    for context in alone:
        links = context.model().elinks
        free = next((one for one in sets if all(c.model().elinks != links for c in one)), None)
        if free is None:
            sets.append(free := [])
        free.append(context)
    out += [_by_elinks(_common(one), one) for one in sets]
    out = [
        replace(one, name=f"{one.name} {sum(o.name == one.name for o in out[: i + 1])}")
        if sum(o.name == one.name for o in out) > 1 or one.name in algorithms.NAMES
        else one
        for i, one in enumerate(out)
    ]
    for encoders in out:
        for context in encoders.contexts:
            _check_unit(context, transverse=transverse)
    return out


def _events(parts: Iterable[Batch]) -> set[int]:
    return {int(event) for part in parts for event in np.unique(np.asarray(part.metadata["event"]))}


def _common(contexts: Sequence[Context]) -> str:
    """Return what the names of runs begin with."""
    names = [context.run.path.resolve().name for context in contexts]
    return os.path.commonprefix(names).strip("-_ .") or "encoders"  # noqa: RUF071  # names are no paths


def _by_elinks(name: str, contexts: list[Context]) -> Encoders:
    names = [context.run.path.name for context in contexts]
    keys = [name if names.count(name) == 1 else c.run.path.as_posix() for name, c in zip(names, contexts, strict=True)]
    classes = dict(zip(keys, contexts, strict=True))
    return Encoders(name, classes, {key: context.model().elinks for key, context in classes.items()})


def _of_campaign(path: Path, progress: Progress) -> Encoders:
    campaign, runs = members.opened(path, progress)
    told = read_json(path / _REPORT) if (path / _REPORT).is_file() else {}
    variants = told.get("variants", {})
    classes: dict[str, Context | str] = {}
    for name, one in campaign.config.classes.items():
        if one.algorithm is None:
            classes[name] = members.chosen(campaign.config, name, runs)
            continue
        filled = one.algorithm == "bc" and variants.get(name) == "bc filled"
        classes[name] = "bc-filled" if filled else one.algorithm
    elinks = {name: one.elinks for name, one in campaign.config.classes.items()}
    return Encoders(path.name, classes, elinks, campaign.config)


def _check_unit(context: Context, *, transverse: bool) -> None:
    """Refuse an encoder of images that whole events do not have.

    Raises
    ------
    ConfigError
        When it was trained on calibrated charges of whole events and will be given counts, or the other way.
    """
    data = context.config.data
    if Path(data.source).suffix != SUFFIX or data.in_counts != transverse:
        return
    if transverse:
        raise ConfigError(
            f"{context.run.path} was trained on decoded counts; an ntuple holds transverse charges (CALQ): give an "
            'encoder that was trained with data.cms_events.calibration = "transverse"'
        )
    raise ConfigError(
        f"{context.run.path} was trained on calibrated charges; physics sends decoded counts: train it with "
        'data.cms_events.calibration = "counts"'
    )
