"""What the generator of whole events assumes; every number has its source."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from econ_ae.data.synthetic.parameters import Pileup, check_positive
from econ_ae.data.truth import KINDS
from econ_ae.errors import ConfigError, did_you_mean

LEAST_ETA, GREATEST_ETA = 1.2, 3.6
"""Range of pseudorapidity in which particles are followed; the modules are at 1.35 to 2.95."""

_MOST_PT = 1000.0  # GeV: the profiles are not meant for more


@dataclass(frozen=True)
class Gun:
    """What is generated besides pileup: in every event one kind, drawn with equal probability.

    Parameters
    ----------
    kinds : of ``KINDS``; none for pileup alone
    lowest_pt, highest_pt : ends of the flat pT spectrum, GeV
    lowest_eta, highest_eta : ends of the flat spectrum of abs(eta)
    pairs : two of equal pT in every event, at eta and -eta and back to back, as in the public file; else one
    """

    kinds: tuple[str, ...] = ("electron",)
    lowest_pt: float = 1.0
    highest_pt: float = 100.0
    lowest_eta: float = 1.5
    highest_eta: float = 2.9
    pairs: bool = True

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise ConfigError(f"particle {kind!r} is unknown; expected one of {', '.join(KINDS)}{_hint(kind)}")
        if not 0 < self.lowest_pt <= self.highest_pt <= _MOST_PT:
            raise ConfigError(
                f"whole events: pT from {self.lowest_pt:g} to {self.highest_pt:g} GeV; expected a rising range in 0 to "
                f"{_MOST_PT:g}"
            )
        if not LEAST_ETA <= self.lowest_eta <= self.highest_eta <= GREATEST_ETA:
            raise ConfigError(
                f"whole events: eta from {self.lowest_eta:g} to {self.highest_eta:g}; expected a rising range in "
                f"{LEAST_ETA:g} to {GREATEST_ETA:g}"
            )


def _hint(kind: str) -> str:
    return did_you_mean(kind, KINDS)


@dataclass(frozen=True)
class Tracker:
    """What happens before the calorimeter.

    Parameters
    ----------
    field_tesla : of the solenoid; bends electrons that radiate and the charged particles of pileup
    x0 : radiation lengths in front of the calorimeter, by which showers are further when they enter it
    radiating_x0 : radiation lengths in which electrons radiate photons that go their own way; 0 for no bremsstrahlung
    decays : share of the charged hadrons of pileup that arrive as muons
    vertex_cm : standard deviation of where interactions are along the beam
    """

    field_tesla: float = 3.8
    x0: float = 1.7
    radiating_x0: float = 0.8
    decays: float = 0.03
    vertex_cm: float = 4.5

    def __post_init__(self) -> None:
        check_positive("whole events", self, "field_tesla", "x0", "radiating_x0", "decays", "vertex_cm", zero=True)
        if self.decays > 1:
            raise ConfigError(f"whole events: decays {self.decays:g}; expected a share of 0 to 1")


@dataclass(frozen=True)
class Showers:
    """Free parameters of the showers; all others are those of ``synthetic.parameters.Calorimeter``.

    Parameters
    ----------
    electromagnetic_response : charge of an electromagnetic shower in MIPs, over energy divided by the loss of a MIP
    spread : standard deviation of the response from one generated particle to the other, besides all that is simulated
    hadronic_response : the same of the part of a hadronic shower that is not electromagnetic
    moliere_cm : scale of the radial profile
    hadron_radius_cm : half of a hadronic deposit's charge is within this radius
    hadron_mips : mean charge of a crossing of that part, exponentially distributed
    inner_cm : distance from the beam within which there is no absorber
    partial : share of the places of an electromagnetic shower with less than a MIP
    companions : mean number of further crossings at the other places
    landau_width : width of the Moyal distribution of the others, over its most probable value
    """

    electromagnetic_response: float = 0.96
    spread: float = 0.025
    hadronic_response: float = 0.7
    moliere_cm: float = 3.0
    hadron_radius_cm: float = 2.0
    hadron_mips: float = 3.0
    inner_cm: float = 32.0
    partial: float = 0.5
    companions: float = 1.5
    landau_width: float = 0.12

    def __post_init__(self) -> None:
        check_positive(
            "whole events",
            self,
            "electromagnetic_response",
            "moliere_cm",
            "hadron_radius_cm",
            "hadron_mips",
            "inner_cm",
        )
        check_positive(
            "whole events", self, "hadronic_response", "landau_width", "partial", "companions", "spread", zero=True
        )
        if self.partial > 1:
            raise ConfigError(f"whole events: partial {self.partial:g}; expected a share of 0 to 1")


@dataclass(frozen=True)
class FrontEnd:
    """From the charge of a trigger cell to its code.

    Parameters
    ----------
    noise_mip : standard deviation of the noise
    threshold_mip : charges below it are not sent
    """

    noise_mip: float = 0.1
    threshold_mip: float = 0.45

    def __post_init__(self) -> None:
        check_positive("whole events", self, "noise_mip", zero=True)
        check_positive("whole events", self, "threshold_mip")
        if not math.isfinite(self.noise_mip) or self.noise_mip > self.threshold_mip:
            raise ConfigError(
                f"whole events: noise of {self.noise_mip:g} MIP and a threshold of {self.threshold_mip:g}; expected no "
                "more noise than the threshold"
            )


PILEUP_200 = Pileup(
    mu=200, charged=4.3, photons=20.0, neutral=0.9, charged_p0=1.05, photons_p0=0.26, neutral_p0=1.3, power=6.0
)
"""Pileup of the high-luminosity LHC, with the spectra for which occupancies agree with the public file."""

QUIET = replace(PILEUP_200, mu=0)
"""No pileup, with the same spectra."""


@dataclass(frozen=True)
class EndcapParameters:
    """Everything that generated whole events depend on, besides the seed.

    Parameters
    ----------
    around : pileup is followed only within this distance in (x/z, y/z) of what was shot into its side, which is many
        times faster where nothing else is looked at; 0 follows all of it
    """

    gun: Gun = field(default_factory=Gun)
    pileup: Pileup = QUIET
    tracker: Tracker = field(default_factory=Tracker)
    showers: Showers = field(default_factory=Showers)
    front_end: FrontEnd = field(default_factory=FrontEnd)
    around: float = 0.0

    def __post_init__(self) -> None:
        check_positive("whole events", self, "around", zero=True)
