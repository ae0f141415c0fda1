"""The files of a package against the integer model and the run's own decoder, event by event."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.export.cmssw.configuration import Parameters, read_configuration
from econ_ae.app.export.cmssw.graphs import pixels_of
from econ_ae.app.export.cmssw.plan import Pair, Plan
from econ_ae.app.export.cmssw.replica.cms_sw import CmsSw
from econ_ae.app.export.cmssw.replica.fork import Fork, Place
from econ_ae.app.export.cmssw.replica.setup import Selected
from econ_ae.app.export.cmssw.target import LATENTS, ZERO_SUPPRESSION
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.stages.freeze import random_images
from econ_ae.data.batch import MIP_COUNTS, Batch
from econ_ae.data.module_conditions import Conditions
from econ_ae.econt.autoencoder import SUM_EXPONENT, SUM_MANTISSA, sum_code
from econ_ae.econt.decode import Latents, mid_bin
from econ_ae.emulator import encode, encode_images
from econ_ae.errors import DataError
from econ_ae.fixedpoint import IntArray
from econ_ae.floatcodes import encode as float_code
from econ_ae.geometry import LOW_DENSITY

if TYPE_CHECKING:
    from econ_ae.training.networks import Networks

Doubles = NDArray[np.float64]

BOUND = 2.0**-17
"""Largest difference of a cell's charge to our decoder's, as a share of the module sum: float32 has 2**-24 per
operation, and sums of some hundred terms are added in another order."""
GRID_IMAGES = 2_000
_THICKNESS = {120: 0, 200: 1, 300: 2}


@dataclass(frozen=True)
class Compared:
    """Outcome for one pair of graphs.

    Parameters
    ----------
    target : form of the class
    modules : name of the class of modules, or of the run
    elinks, graph : links of its modules, and the graph that the configuration gives these
    events : report events with charge
    latents : compared, and ``differing`` of them in events that have any
    grid_images : random images of the integer model's own grid, through the encoder's graph; ``grid_differing`` latents
    largest : largest difference of a cell's charge to our decoder's, as a share of the module sum, at most ``bound``
    absent : share of the cells with charge from our decoder that the class drops, as too small
    sums_differing : events in which the class tells the decoder another sum code than the frame does
    emd, emd_own : mean EMD to the true charges, after the class and after our frames and decoder, EMD units
    exact : whether latents must be equal: the class normalises as the chip does
    problem : what stopped the comparison; "" otherwise
    """

    target: str
    modules: str
    elinks: int
    graph: int = 0
    events: int = 0
    latents: int = 0
    differing: int = 0
    events_differing: int = 0
    grid_images: int = 0
    grid_differing: int = 0
    largest: float = 0.0
    bound: float = BOUND
    absent: float = 0.0
    sums_differing: int = 0
    emd: float = 0.0
    emd_own: float = 0.0
    exact: bool = True
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether the class computes what the integer model and our decoder do."""
        equal = not self.differing or not self.exact
        within = self.largest <= self.bound
        return not self.problem and bool(self.events) and equal and not self.grid_differing and within

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(asdict(self) | {"passed": self.passed}, indent=1)


def check_package(plan: Plan, folder: Path, events: int) -> list[Compared]:
    """Return the comparison of every pair on its run's report events; a package that cannot be read is one, too.

    Parameters
    ----------
    folder : with the files
    events : most report events per pair
    """
    try:
        (path,) = folder.glob("*_cff.py")
        conf = read_configuration(path)
        replica = (Fork if plan.target.columns else CmsSw).of(conf, folder)
        check_links(plan, conf)
    except ValueError:
        return _stopped(plan, f"{folder} has not one configuration *_cff.py")
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
    if len(bits) != len(graphs):
        raise DataError(f"bitsPerLink has {len(bits)} entries and linkToGraphMap {len(graphs)}; expected as many")
    for links, (graph, kept) in enumerate(zip(graphs, bits, strict=True)):
        if (graph, kept) != (plan.link_to_graph[links], plan.bits_per_link[links]):
            raise DataError(
                f"modules with {links} links get graph {graph} and {kept} bits; expected graph "
                f"{plan.link_to_graph[links]} and {plan.bits_per_link[links]} bits"
            )


def _compare(plan: Plan, pair: Pair, replica: Fork | CmsSw, events: int) -> Compared:
    context, graph = pair.context, plan.pairs.index(pair)
    rows = context.rows("report")
    rows = rows[rows.total > 0][:events]
    facts: dict[str, Any] = {"target": plan.target.name, "modules": pair.name, "elinks": pair.elinks, "graph": graph}
    facts["exact"] = bool(plan.target.columns)
    if not len(rows):
        return Compared(**facts, problem="no report event has charge")
    links = np.full(len(rows), pair.elinks)
    try:
        if isinstance(replica, Fork):
            unit = 1.0
            found = replica.select(rows.charges.astype(np.int64), LOW_DENSITY.lattice, links, place(rows))
        else:
            unit = 1.0 / MIP_COUNTS
            found = replica.select(rows.charges / MIP_COUNTS, LOW_DENSITY.lattice, links)
        grid = _grid(plan, pair, replica)
    except DataError as problem:
        return Compared(**facts, problem=str(problem))
    expected = sent(pair, encode(pair.model, rows.charges))
    differs = found.encoded != expected
    largest, absent, sums = _charges(plan, pair, rows, found, unit)
    return Compared(
        **facts,
        events=len(rows),
        latents=differs[:, : pair.model.latents].size,
        differing=int(differs.sum()),
        events_differing=int(differs.any(axis=1).sum()),
        grid_images=GRID_IMAGES,
        grid_differing=grid,
        largest=largest,
        absent=absent,
        sums_differing=sums,
        **_emd(pair, rows, found),
    )


def sent(pair: Pair, latents: IntArray) -> Doubles:
    """Return what is sent of integer latents as the class holds it, float64 (n, 16): one integer bit, zeros behind."""
    width = pair.model.latent.width
    masks = np.array([-1 << (width - bits) if bits else 0 for bits in pair.kept])
    out = np.zeros((len(latents), LATENTS))
    out[:, : latents.shape[1]] = (latents & masks) * 2.0 ** (1 + pair.model.latent.signed - width)
    return out


def place(rows: Batch) -> Place:
    """Return where modules are; what the data do not say is 0, and no decoder of them is told it."""

    def column(name: str) -> Doubles:
        return np.asarray(rows.metadata[name], np.float64) if name in rows.metadata else np.zeros(len(rows))

    side = np.sign(column("zside"))
    eta = column("eta")
    kinds = np.array([_THICKNESS.get(int(value), -1) for value in column("thickness")])
    return Place(
        np.where(side < 0, -np.abs(eta), eta),
        column("wafer_u").astype(np.int64),
        column("wafer_v").astype(np.int64),
        kinds,
        column("detector_layer").astype(np.int64),
    )


def _grid(plan: Plan, pair: Pair, replica: Fork | CmsSw) -> int:
    """Return how many latents of random images on the integer model's grid differ, the encoder's graph alone."""
    model = pair.model
    images = random_images(model, pair.context.config.seed)[:GRID_IMAGES]
    cells = np.array(model.input.arrangement.cells).reshape(model.input.arrangement.shape)
    images = np.where(cells >= 0, images, 0)
    given = np.zeros((len(images), replica.given.inputs), np.float32)
    flat = images.reshape(len(images), -1) * 2.0**-model.normalise.out.fraction
    for pixel, source in enumerate(pixels_of(plan.image, model.input.arrangement)):
        if source >= 0:
            given[:, source] = flat[:, pixel]
    graph = replica.given.encoders[replica.given.graphs[pair.elinks]]
    found = graph(given.reshape(-1, *replica.given.encoder_shape[1:]))
    return int((found != sent(pair, encode_images(model, images))).sum())


def _charges(plan: Plan, pair: Pair, rows: Batch, found: Selected, unit: float) -> tuple[float, float, int]:
    """Return the largest difference to our decoder, the share of cells that are dropped, events with another sum."""
    from econ_ae.training import artifact

    receiver = pair.receiver
    networks: Networks = artifact.load(receiver.config, pair.context.geometry, receiver.folder)
    latent = pair.model.latent
    scale = 2.0 ** (latent.width - 1 - latent.signed)
    latents = np.rint(found.encoded[:, : pair.model.latents] * scale).astype(np.int64)
    told = rows.total
    if plan.target.columns:  # the class leaves the cell at pixel 0 out of the sum that it tells
        told = told - rows.charges[:, plan.image.cells[0]]
    code = float_code(told, SUM_EXPONENT, SUM_MANTISSA)
    received = Latents(latents, np.asarray(mid_bin(code, SUM_EXPONENT, SUM_MANTISSA), np.float64))
    known = Conditions(receiver.config.decoder.conditions).features(rows)
    known = _with_sum(receiver.config.decoder.conditions, known, received.total)
    fractions = artifact.decode(receiver.config, networks, pair.model, received, known)
    total = rows.total[:, None] * unit
    ours = fractions * total
    suppressed = ZERO_SUPPRESSION - (0.5 if plan.target.columns else 0.0)
    expected = np.where(ours >= suppressed, ours, 0.0)
    difference = np.abs(found.charges - expected) / total
    borderline = np.abs(ours - suppressed) <= BOUND * total
    kept = np.where(borderline, np.minimum(difference, 0.0), difference)
    absent = float(np.mean(found.charges[ours > 0] == 0))
    sums = int((code != sum_code(rows.charges)).sum()) if _needs_sum(receiver.config) else 0
    return float(kept.max()), absent, sums


def _needs_sum(config: Any) -> bool:
    return bool(config.decoder.sum_columns) or "log_sum" in config.decoder.conditions


def _with_sum(names: Sequence[str], known: NDArray[np.float32], total: Doubles) -> NDArray[np.float32]:
    """Return the features of conditions with another module sum."""
    if "log_sum" not in names:
        return known
    first = Conditions(tuple(names[: list(names).index("log_sum")])).width
    changed = known.copy()
    changed[:, first] = np.log(total + 1)
    return changed


def _emd(pair: Pair, rows: Batch, found: Selected) -> dict[str, float]:
    from metrics.emd import emd

    own = reconstruct(pair.context, pair.model, rows, pair.receiver).charges
    return {
        name: float(np.mean(emd(rows.charges, charges, LOW_DENSITY).of_defined))
        for name, charges in (("emd", found.charges), ("emd_own", own))
    }
