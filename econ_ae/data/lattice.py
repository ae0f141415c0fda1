"""The hexagonal lattice that modules are mounted on, fitted to their positions: from x, y to (u, v).

Numbers are CMSSW's: with the pitch p, x = (v / 2 - u) p and y = sqrt(3) / 2 v p from the module (0, 0) of the layer.
That is the module nearest to the beam; where three are equally near, because the beam goes through a corner, the one
with x = 0 (CMSSW's shift of layers whose beam is at a corner). x is that of zside 1; on the other side it is mirrored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import DataError
from econ_ae.geometry import FloatArray

BOUND_CM = 0.1
"""Farthest that a module may be from its place in the lattice; neighbours are some 17 cm apart."""

_PITCHES = (10.0, 25.0)  # cm, that modules may have
_MOST_TURN = np.radians(20)  # at 30 degrees two orientations are the same lattice with other numbers
_SAME_CM = 1e-3
_KEY_BITS, _FARTHEST = 21, 1_000_000  # places beyond 10 m count as one; they are off any lattice
_AXES = np.array([[-1.0, 0.0], [0.5, np.sqrt(3) / 2]])  # place of u = 1 and of v = 1 in pitches
_ROUNDS = 3
_MOST_MODULES = 2000  # in a layer; the detector has some 400
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Lattice:
    """A fitted lattice.

    Parameters
    ----------
    pitch_cm : distance of neighbouring modules
    angle : of the lattice, radians, counter-clockwise; 0 has a row of modules along x
    origins : (x, y) of the module (0, 0) in cm, by layer
    """

    pitch_cm: float
    angle: float
    origins: Mapping[int, tuple[float, float]]

    def numbers(self, layer: NDArray[np.integer], x_cm: FloatArray, y_cm: FloatArray) -> tuple[IntArray, IntArray]:
        """Return u and v, int64 (n,) each, of modules (n,) that were fitted.

        Raises
        ------
        DataError
            When a layer was not fitted, or a module is more than ``BOUND_CM`` off its place; names the farthest.
        """
        known = np.array(sorted(self.origins), np.int64)
        if (other := np.setdiff1d(layer, known)).size:
            raise DataError(f"no module of layer {int(other[0])} was fitted; expected layers {known.tolist()}")
        origin = np.array([self.origins[int(number)] for number in known])[np.searchsorted(known, layer)]
        basis = _basis(self.pitch_cm, self.angle)
        place = np.stack([x_cm, y_cm], axis=1) - origin
        found = np.rint(place @ np.linalg.inv(basis))
        off = np.hypot(*(place - found @ basis).T)
        if off.size and off.max() > BOUND_CM:
            worst = int(np.argmax(off))
            raise DataError(
                f"the module of layer {int(layer[worst])} at x = {x_cm[worst]:.3f}, y = {y_cm[worst]:.3f} cm is "
                f"{off[worst]:.2f} cm off the lattice of pitch {self.pitch_cm:.3f} cm; expected at most {BOUND_CM} cm"
            )
        u, v = found.astype(np.int64).T
        return u, v


def fit(layer: NDArray[np.integer], x_cm: FloatArray, y_cm: FloatArray) -> Lattice:
    """Return the lattice of modules (n,): one pitch and angle, an origin per layer; every module is on it.

    Raises
    ------
    DataError
        When no two modules of a layer are neighbours, the lattice is turned by more than 20 degrees, or a module is
        more than ``BOUND_CM`` off.
    """
    first = different(layer, x_cm, y_cm)
    number, place = np.asarray(layer, np.int64)[first], np.stack([x_cm, y_cm], axis=1).astype(np.float64)[first]
    layers = {int(n): place[number == n] for n in np.unique(number)}
    for n, places in layers.items():
        if len(places) > _MOST_MODULES:
            raise DataError(f"layer {n} has {len(places)} places of modules; expected at most {_MOST_MODULES}")
    nearest = np.concatenate([np.zeros(0), *(_nearest(places) for places in layers.values())])
    nearest = nearest[(nearest > _PITCHES[0]) & (nearest < _PITCHES[1])]
    if not nearest.size:
        raise DataError(
            f"no two modules of a layer are {_PITCHES[0]:g} to {_PITCHES[1]:g} cm apart; expected neighbours, of which "
            "u and v are found"
        )
    # In a file of few modules only some have a neighbour beside them, in one with a stray module the least is not it.
    tried = [_fitted(layers, start) for start in (float(np.median(nearest)), float(nearest.min()))]
    best = min(tried, key=lambda lattice: _missed(lattice, layers))
    if abs(best.angle) > _MOST_TURN:
        raise DataError(
            f"the modules' lattice is turned by {np.degrees(best.angle):.1f} degrees; expected at most 20, beyond "
            "which u and v are ambiguous"
        )
    best.numbers(number, *place.T)
    return best


def different(layer: NDArray[np.integer], x_cm: FloatArray, y_cm: FloatArray) -> NDArray[np.intp]:
    """Return the first row of every module among rows (n,), by layer and place."""
    key = np.asarray(layer, np.int64)
    for axis in (x_cm, y_cm):
        key = (key << _KEY_BITS) + np.clip(np.rint(axis / _SAME_CM), -_FARTHEST, _FARTHEST).astype(np.int64)
    return np.asarray(np.unique(key, return_index=True)[1], np.intp)


def _basis(pitch: float, angle: float) -> FloatArray:
    """Return the places of u = 1 and v = 1 in cm, float64 (2, 2)."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    out: FloatArray = pitch * _AXES @ turn
    return out


def _distances(places: FloatArray) -> FloatArray:
    apart = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    return np.asarray(apart, np.float64)


def _nearest(places: FloatArray) -> FloatArray:
    return np.asarray(_distances(places).min(axis=1), np.float64)


def _fitted(layers: Mapping[int, FloatArray], pitch: float) -> Lattice:
    """Return the lattice that begins with a pitch: angle of the neighbours, then least squares of all modules."""
    vectors = []
    for places in layers.values():
        one, other = np.nonzero(np.abs(_distances(places) - pitch) < 0.1 * pitch)
        vectors.append(places[one] - places[other])
    x, y = np.concatenate(vectors).T
    angle = float(np.angle(np.exp(6j * np.arctan2(y, x)).mean()) / 6)
    origins = {n: tuple(places[np.argmin(np.hypot(*(places - places.mean(axis=0)).T))]) for n, places in layers.items()}
    for _ in range(_ROUNDS):
        basis = _basis(pitch, angle)
        cells = {n: np.rint((p - origins[n]) @ np.linalg.inv(basis)) for n, p in layers.items()}
        # x + iy = pitch exp(i angle) (place in pitches) + origin: complex least squares around the layers' means.
        top, bottom = 0j, 0.0
        for n, places in layers.items():
            own = (cells[n] @ _AXES) @ np.array([1, 1j])
            seen = places @ np.array([1, 1j])
            own, seen = own - own.mean(), seen - seen.mean()
            top, bottom = top + complex(np.vdot(own, seen)), bottom + float(np.vdot(own, own).real)
        pitch, angle = abs(top / bottom), float(np.angle(top))
        basis = _basis(pitch, angle)
        origins = {n: tuple(np.median(p - cells[n] @ basis, axis=0)) for n, p in layers.items()}
    return Lattice(pitch, angle, {n: _at_beam(origin, _basis(pitch, angle)) for n, origin in origins.items()})


def _at_beam(origin: tuple[float, ...], basis: FloatArray) -> tuple[float, float]:
    """Return the place of the module nearest to the beam; of several the one with the least abs(x)."""
    near = np.rint(-np.array(origin) @ np.linalg.inv(basis))
    steps = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)
    places = np.array(origin) + (near + steps) @ basis
    radius = np.hypot(*places.T)
    equal = places[radius < radius.min() + 3 * BOUND_CM]
    x, y = equal[np.lexsort((-equal[:, 1], np.rint(np.abs(equal[:, 0]) / BOUND_CM)))[0]]
    return float(x), float(y)


def _missed(lattice: Lattice, layers: Mapping[int, FloatArray]) -> int:
    basis, missed = _basis(lattice.pitch_cm, lattice.angle), 0
    for number, places in layers.items():
        place = places - np.array(lattice.origins[number])
        off = np.hypot(*(place - np.rint(place @ np.linalg.inv(basis)) @ basis).T)
        missed += int((off > BOUND_CM).sum())
    return missed
