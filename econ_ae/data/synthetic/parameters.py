"""What the generator assumes of a module and of what hits it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from econ_ae.data.batch import MIP_COUNTS
from econ_ae.errors import ConfigError

_PITCH_CM = 16.74  # of neighbouring 8-inch modules


@dataclass(frozen=True)
class Population:
    """Energy deposits of one kind.

    Parameters
    ----------
    mean : deposits per module and bunch crossing
    energy : typical charge of a deposit, CALQ counts
    shape : shape of the gamma distribution of the charge (mean ``energy``), or, when ``lognormal``, the width of
        the logarithm of the charge (median ``energy``)
    radius : scale of the exponential lateral profile, EMD units (1.2084 cm)
    lognormal : which of the two distributions
    """

    mean: float
    energy: float
    shape: float
    radius: float
    lognormal: bool = False

    def __post_init__(self) -> None:
        for name in ("energy", "shape", "radius"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"synthetic deposits: {name} {getattr(self, name)}; expected more than 0")
        if not self.mean >= 0:
            raise ConfigError(f"synthetic deposits: mean {self.mean}; expected 0 or more")


@dataclass(frozen=True)
class Parameters:
    """A module and its environment; the defaults give images like those of the public pileup sample.

    Parameters
    ----------
    pileup : soft deposits, mostly below the threshold and within one trigger cell
    showers : electromagnetic showers
    pileup_shape : shape of the gamma distribution of the pileup from crossing to crossing
    gradient : fall of the density of pileup away from the beam, per EMD unit
    beam_angle : direction of the beam in the module's frame, radians
    noise : standard deviation of a trigger cell's noise, CALQ counts
    threshold : zero-suppression threshold, CALQ counts
    threshold_spread : relative spread of the threshold (gain differences of the channels)
    layer, wafer_u, wafer_v : where the module is
    z_cm : distance of its layer from the interaction point
    gev_per_mip : energy that the absorber before the layer takes per MIP seen in it, GeV
    """

    pileup: Population = field(default_factory=lambda: Population(63, 57, 0.75, 0.22))
    showers: Population = field(default_factory=lambda: Population(0.5, 600, 1.1, 0.32, lognormal=True))
    pileup_shape: float = 28
    gradient: float = 0.06
    beam_angle: float = math.radians(-34)
    noise: float = 8
    threshold: float = 66
    threshold_spread: float = 0.06
    layer: int = 7
    wafer_u: int = 5
    wafer_v: int = 1
    z_cm: float = 327
    gev_per_mip: float = 0.0105

    def __post_init__(self) -> None:
        for name in ("pileup_shape", "threshold", "z_cm", "gev_per_mip"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"synthetic events: {name} {getattr(self, name)}; expected more than 0")
        for name in ("noise", "threshold_spread"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"synthetic events: {name} {getattr(self, name)}; expected 0 or more")

    @property
    def eta(self) -> float:
        """Pseudorapidity of the module's centre, from the hexagonal wafer coordinates."""
        u, v = self.wafer_u, self.wafer_v
        return math.asinh(self.z_cm / (_PITCH_CM * math.sqrt(u * u + v * v - u * v)))

    @property
    def gev_per_count(self) -> float:
        """Shower energy per CALQ count, GeV; CALQ is transverse (MIP / cosh eta)."""
        return self.gev_per_mip * math.cosh(self.eta) / MIP_COUNTS
