"""ROOT ntuples of trigger cells, written for tests."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from econ_ae.floatcodes import LOW_DENSITY, decode_4e3m
from econ_ae.geometry import LOW_DENSITY as MODULE

TREE = "hgcalTriggerNtuplizer/HGCalTriggerNtuple"
TYPES = {
    **dict.fromkeys(("subdet", "zside", "layer", "waferu", "waferv", "wafertype", "cellu", "cellv"), "int32"),
    **dict.fromkeys(("data", "uncompressedCharge", "compressedCharge"), "uint32"),
    **dict.fromkeys(("mipPt", "simenergy", "eta"), "float32"),
}
Events = list[list[dict[str, float]]]


def cell(number: int, **changes: float) -> dict[str, float]:
    """One trigger cell of a CE-E module; ``compressedCharge`` sets the other charges too."""
    u, v = MODULE.lattice[number]
    values = {"subdet": 1, "zside": 1, "layer": 9, "waferu": 3, "waferv": -2, "wafertype": 1, "cellu": u, "cellv": v}
    code = int(changes.get("compressedCharge", 20))
    charge = int(decode_4e3m(np.array([code]), LOW_DENSITY)[0])
    values |= {"compressedCharge": code, "data": charge, "uncompressedCharge": charge + 1}
    return values | {"mipPt": charge / 35, "simenergy": 0.5, "eta": 2.0} | changes


def random_events(count: int, seed: int, hits: int = 200) -> Events:
    """Events of some modules, cells in random order, none twice."""
    rng = np.random.default_rng(seed)
    events: Events = []
    for _ in range(count):
        places = {(int(rng.integers(0, 48)), int(rng.integers(-1, 2)), int(rng.integers(7, 12))) for _ in range(hits)}
        events.append(
            [
                cell(c, waferu=u, layer=layer, zside=1 if layer > 8 else -1, compressedCharge=int(rng.integers(1, 100)))
                for c, u, layer in sorted(places, key=lambda _: rng.random())
            ]
        )
    return events


def write(path: Path, events: Events, *, without: tuple[str, ...] = (), baskets: int = 50, tree: str = TREE) -> Path:
    """Write events as an ntuple, ``baskets`` events at a time."""
    names = [name for name in TYPES if name not in without]
    with uproot.recreate(path) as file:
        folder = tree.rpartition("/")[0]
        if folder:
            file.mkdir(folder)
        types = {f"tc_{name}": f"var * {TYPES[name]}" for name in names}
        out = file.mktree(tree, types, counter_name=lambda _: "tc_n", field_name=lambda _, inner: inner)
        for start in range(0, len(events), baskets):
            part = events[start : start + baskets]
            counts = [len(event) for event in part]
            flat = [hit for event in part for hit in event]
            columns = {n: np.array([hit[n] for hit in flat], TYPES[n]) for n in names}
            out.extend({f"tc_{name}": ak.unflatten(values, counts) for name, values in columns.items()})
    return path
