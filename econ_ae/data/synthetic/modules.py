"""Where the modules are: a hexagonal lattice of 8-inch modules, the same in every layer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.synthetic.parameters import Calorimeter
from econ_ae.errors import ConfigError
from econ_ae.geometry import FloatArray, IndexArray

PITCH_CM = 16.74
"""Distance of neighbouring modules: eight trigger-cell edges of 2.4168 cm times cos 30 degrees."""

_MODULE = re.compile(r"(\d+):(-?\d+),(-?\d+)")


@dataclass(frozen=True, eq=False)
class Modules:
    """Modules by index.

    Attributes
    ----------
    layer, u, v : intp (m,), layer and wafer numbers as in CMSSW: x = (v / 2 - u) pitch, y = sqrt(3) / 2 v pitch
    x_cm, y_cm, z_cm : float64 (m,), centres
    """

    layer: IndexArray
    u: IndexArray
    v: IndexArray
    x_cm: FloatArray
    y_cm: FloatArray
    z_cm: FloatArray

    def __len__(self) -> int:
        return len(self.layer)

    @cached_property
    def r_cm(self) -> FloatArray:
        """float64 (m,): distance of the centre from the beam."""
        return np.hypot(self.x_cm, self.y_cm)

    @cached_property
    def eta(self) -> FloatArray:
        """float64 (m,): pseudorapidity of the centre."""
        return np.arcsinh(self.z_cm / self.r_cm)

    def columns(self, where: IndexArray) -> dict[str, NDArray[np.generic]]:
        """Return what is known of the modules of images: metadata of length n, for ``where`` (n,)."""
        layer = self.layer[where]
        place = {"wafer_u": self.u[where], "wafer_v": self.v[where]}
        return {"eta": self.eta[where], "layer": layer, "detector_layer": layer, **place}


def _place(numbers: IndexArray, calorimeter: Calorimeter) -> Modules:
    layer, u, v = numbers.T
    z = calorimeter.z_first_cm + calorimeter.z_step_cm * (layer - 1)
    return Modules(layer, u, v, (v / 2 - u) * PITCH_CM, np.sqrt(3) / 2 * v * PITCH_CM, z)


def all_modules(calorimeter: Calorimeter) -> Modules:
    """Return the modules of all layers whose centre is between the inner and the outer radius."""
    reach = np.arange(-int(calorimeter.outer_cm / PITCH_CM * 2), int(calorimeter.outer_cm / PITCH_CM * 2) + 1)
    grid = np.stack(np.meshgrid(calorimeter.layers, reach, reach, indexing="ij"), axis=-1).reshape(-1, 3)
    modules = _place(grid.astype(np.intp), calorimeter)
    inside = (modules.r_cm > calorimeter.inner_cm) & (modules.r_cm < calorimeter.outer_cm)
    return _place(grid[inside].astype(np.intp), calorimeter)


def parse_modules(text: str, calorimeter: Calorimeter) -> Modules:
    """Return ``all`` modules or those written ``layer:u,v``, with blanks between them.

    Raises
    ------
    ConfigError
        When the text is something else, or a module is not in the calorimeter.
    """
    every = all_modules(calorimeter)
    if text.strip() == "all":
        return every
    known = set(zip(every.layer.tolist(), every.u.tolist(), every.v.tolist(), strict=True))
    chosen = []
    for word in text.split():
        match = _MODULE.fullmatch(word)
        if match is None:
            raise ConfigError(f"module {word!r} not understood; expected 'all' or layer:u,v, for example 7:5,1")
        module = (int(match[1]), int(match[2]), int(match[3]))
        if module not in known:
            layers = f"odd layers {calorimeter.layers[0]} to {calorimeter.layers[-1]}"
            raise ConfigError(
                f"module {word} is not in the calorimeter; expected one of {layers} with its centre "
                f"{calorimeter.inner_cm:g} to {calorimeter.outer_cm:g} cm from the beam, for example 7:5,1"
            )
        chosen.append(module)
    if not chosen:
        raise ConfigError("no modules given; expected 'all' or layer:u,v, for example 7:5,1")
    return _place(np.array(chosen, dtype=np.intp), calorimeter)
