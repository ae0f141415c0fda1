"""The files of a package against the integer model and the run's own decoder, event by event."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.export.cmssw import expected
from econ_ae.app.export.cmssw.configuration import Parameters, read_configuration
from econ_ae.app.export.cmssw.graphs import pixels_of
from econ_ae.app.export.cmssw.plan import Pair, Plan
from econ_ae.app.export.cmssw.replica.cms_sw import CmsSw
from econ_ae.app.export.cmssw.replica.fork import Fork
from econ_ae.app.export.cmssw.replica.setup import Selected
from econ_ae.app.stages.freeze import random_images
from econ_ae.data.batch import MIP_COUNTS, Batch
from econ_ae.emulator import encode, encode_images
from econ_ae.errors import DataError
from econ_ae.geometry import LOW_DENSITY

GRID_IMAGES = 2_000
"""Random images that go through an encoder's graph alone."""
EACH = 20
"""Report events that also go through the class one by one, as they do in CMSSW."""


@dataclass(frozen=True)
class Compared:
    """Outcome for one pair of graphs.

    Parameters
    ----------
    target : form of the class
    modules : name of the class of modules, or of the run
    elinks, graph : links of its modules, and the graph that the configuration gives these
    events : report events with charge
    latents : compared with the integer model on the images that this form of the class makes
    differing : of these latents
    chip_differing, chip_events : latents, and events, that are not the chip's: 0 where the class normalises as it does
    grid_images : random images of the model's own grid that went through the encoder's graph
    grid_differing : latents of these
    largest : largest difference of a cell's charge to our decoder's, as a share of the module sum, at most ``bound``
    absent : share of the cells with charge from our decoder that the class drops as too small
    sums_differing : events in which the class tells the decoder another sum code than the frame does
    emd, emd_own : mean EMD to the true charges, after the class and after our frames and decoder, EMD units
    problem : what stopped the comparison; "" otherwise
    """

    target: str
    modules: str
    elinks: int
    graph: int = 0
    events: int = 0
    latents: int = 0
    differing: int = 0
    chip_differing: int = 0
    chip_events: int = 0
    grid_images: int = 0
    grid_differing: int = 0
    largest: float = 0.0
    bound: float = expected.BOUND
    absent: float = 0.0
    sums_differing: int = 0
    emd: float = 0.0
    emd_own: float = 0.0
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether the class computes what the integer model and our decoder do."""
        return bool(self.events) and not self.why

    @property
    def why(self) -> str:
        """Return what is wrong, in one line; "" when nothing is."""
        if self.problem:
            return self.problem
        if self.grid_differing:
            return f"{self.grid_differing} latents of {self.grid_images} random images differ"
        if self.differing:
            return f"{self.differing} of {self.latents} latents differ from the integer model"
        if not self.largest <= self.bound:
            return f"a charge differs by {self.largest:.1e} of the module sum; expected at most {self.bound:.1e}"
        return ""

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(asdict(self) | {"passed": self.passed}, indent=1)


def check_package(plan: Plan, folder: Path, events: int | None = None) -> list[Compared]:
    """Return the comparison of every pair on its run's report events; a package that cannot be read fails it.

    Parameters
    ----------
    folder : with the files
    events : most report events per pair; None takes all
    """
    found = sorted(folder.glob("*_cff.py"))
    if len(found) != 1:
        return _stopped(plan, f"{folder} has {len(found)} configurations *_cff.py; expected one")
    try:
        conf = read_configuration(found[0])
        replica = (Fork if plan.target.columns else CmsSw).of(conf, folder)
        check_links(plan, conf)
    except DataError as problem:
        return _stopped(plan, str(problem))
    return [_compare(plan, pair, replica, events) for pair in plan.pairs]


def _stopped(plan: Plan, problem: str) -> list[Compared]:
    return [Compared(plan.target.name, pair.name, pair.elinks, problem=problem) for pair in plan.pairs]


def check_links(plan: Plan, conf: Parameters) -> None:
    """Raise DataError when for some number of links the graph and the bits are not of one encoder.

    Graph and bits are looked up independently by the class: a graph that sends 3 bits with 5 of them left, or cut to 1,
    gives a decoder what it was never trained on, without any message.
    """
    graphs, bits = conf.get("vuint32", "linkToGraphMap"), conf.get("vint32", "bitsPerLink")
    if len(bits) != len(graphs) or len(graphs) != len(plan.link_to_graph):
        raise DataError(
            f"bitsPerLink has {len(bits)} entries and linkToGraphMap {len(graphs)}; expected {len(plan.link_to_graph)}"
        )
    for links, (graph, kept) in enumerate(zip(graphs, bits, strict=True)):
        if (graph, kept) != (plan.link_to_graph[links], plan.bits_per_link[links]):
            raise DataError(
                f"modules with {links} links get graph {graph} and {kept} bits; expected graph "
                f"{plan.link_to_graph[links]} and {plan.bits_per_link[links]} bits"
            )


def _compare(plan: Plan, pair: Pair, replica: Fork | CmsSw, events: int | None) -> Compared:
    rows = pair.context.rows("report")
    rows = rows[rows.total > 0][:events]
    name, elinks = pair.name, pair.elinks
    facts: dict[str, Any] = {"graph": int(replica.given.graphs[elinks]), "events": len(rows)}
    if not len(rows):
        return Compared(plan.target.name, name, elinks, **facts, problem="no report event has charge")
    try:
        found = select(replica, rows, elinks)
        one_by_one = [select(replica, rows[i : i + 1], elinks) for i in range(min(EACH, len(rows)))]
        grid = _grid(plan, pair, replica)
    except DataError as problem:
        return Compared(plan.target.name, name, elinks, **facts, problem=str(problem))
    wanted = expected.sent(pair, encode_images(pair.model, expected.images(plan, pair, rows.charges)))
    chip = found.encoded != expected.sent(pair, encode(pair.model, rows.charges))
    alone = np.concatenate([one.encoded for one in one_by_one]) != wanted[: len(one_by_one)]
    charges, emds = expected.charges(plan, pair, rows, found), expected.mean_emds(pair, rows, found)
    return Compared(
        plan.target.name,
        name,
        elinks,
        **facts,
        latents=len(rows) * pair.model.latents,
        differing=int((found.encoded != wanted).sum() + alone.sum()),
        chip_differing=int(chip.sum()),
        chip_events=int(chip.any(axis=1).sum()),
        grid_images=GRID_IMAGES,
        grid_differing=grid,
        largest=charges.largest,
        absent=charges.absent,
        sums_differing=charges.sums_differing,
        emd=emds[0],
        emd_own=emds[1],
    )


def select(replica: Fork | CmsSw, rows: Batch, elinks: int) -> Selected:
    """Return what the class makes of modules with charge, all with the same number of links."""
    links = np.full(len(rows), elinks)
    if isinstance(replica, Fork):
        return replica.select(rows.charges.astype(np.int64), LOW_DENSITY.lattice, links, expected.place(rows))
    return replica.select(rows.charges / MIP_COUNTS, LOW_DENSITY.lattice, links)


def _grid(plan: Plan, pair: Pair, replica: Fork | CmsSw) -> int:
    """Return how many latents of random images on the model's grid differ, through the encoder's graph alone."""
    model = pair.model
    images = random_images(model, pair.context.config.seed)[:GRID_IMAGES]
    cells = np.array(model.input.arrangement.cells).reshape(model.input.arrangement.shape)
    images = np.where(cells >= 0, images, 0)
    given = np.zeros((len(images), replica.given.inputs), np.float32)
    flat = images.reshape(len(images), -1) * 2.0**-model.normalise.out.fraction
    for pixel, source in enumerate(pixels_of(plan.image, model.input.arrangement)):
        if source >= 0:
            given[:, source] = flat[:, pixel]
    graph = replica.given.encoders[plan.link_to_graph[pair.elinks]]
    found = graph(given.reshape(-1, *replica.given.encoder_shape[1:]))
    return int((found != expected.sent(pair, encode_images(model, images))).sum())
