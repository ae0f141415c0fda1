"""What the generator assumes of the detector, of the collisions and of the electronics; every number has its source."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from econ_ae.data.batch import MIP_COUNTS
from econ_ae.errors import ConfigError, did_you_mean

SIGNALS = ("none", "electron", "photon", "pion", "jet")
"""Signal kinds; the metadata column ``signal`` holds the index."""


def check_positive(what: str, owner: object, *names: str, zero: bool = False) -> None:
    """Raise ConfigError when an attribute is not a finite number above 0, or with ``zero`` of at least 0."""
    for name in names:
        value = getattr(owner, name)
        if not (value >= 0 if zero else value > 0) or not math.isfinite(value):
            raise ConfigError(f"{what}: {name} {value}; expected {'0 or more' if zero else 'more than 0'}")


def _positive(owner: object, *names: str, zero: bool = False) -> None:
    check_positive("synthetic events", owner, *names, zero=zero)


@dataclass(frozen=True)
class Calorimeter:
    """The electromagnetic section CE-E of the high-granularity calorimeter.

    Parameters
    ----------
    z_first_cm, z_step_cm : silicon of layer 1, and distance of two layers; z = 322 + 1.2 (layer - 1)
    inner_cm, outer_cm : radii between which the centres of the modules are
    layers : the 14 layers that the trigger reads, every second of 28
    x0_per_layer : radiation lengths per layer at normal incidence; 25 in 28 layers (CMS TDR, CERN-LHCC-2017-023)
    lambda_per_layer : interaction lengths per layer; 1.3 in 28 layers (the same)
    mev_per_mip : what a minimum-ionising particle loses per layer, MeV (layer weights of CMSSW, geometry V10)
    critical_mev : critical energy of the absorber, MeV (HGCAL-FastShower)
    moliere_cm : Moliere radius
    atomic_number : effective Z of the absorber in the radial profile; tungsten, copper and lead by radiation length
    hadron_radius_cm : half of a hadronic deposit's charge is within this radius (own choice)
    hadron_response : visible share of the part of a hadronic shower that is not electromagnetic (own choice)
    landau_width : width of the Moyal distribution of a track's charge over its most probable value, 300 um of silicon
    """

    z_first_cm: float = 322.0
    z_step_cm: float = 1.2
    inner_cm: float = 38.0
    outer_cm: float = 145.0
    layers: tuple[int, ...] = tuple(range(1, 28, 2))
    x0_per_layer: float = 25 / 28
    lambda_per_layer: float = 1.3 / 28
    mev_per_mip: float = 10.94
    critical_mev: float = 5.36
    moliere_cm: float = 2.8
    atomic_number: float = 68.0
    hadron_radius_cm: float = 3.0
    hadron_response: float = 0.7
    landau_width: float = 0.1

    def __post_init__(self) -> None:
        _positive(self, "z_first_cm", "z_step_cm", "inner_cm", "x0_per_layer", "lambda_per_layer", "mev_per_mip")
        _positive(self, "critical_mev", "moliere_cm", "atomic_number", "hadron_radius_cm")
        _positive(self, "hadron_response", "landau_width", zero=True)
        if not self.inner_cm < self.outer_cm:
            raise ConfigError(f"synthetic events: modules from {self.inner_cm} to {self.outer_cm} cm; expected a ring")


@dataclass(frozen=True)
class Pileup:
    """Minimum-bias collisions: particles per unit of pseudorapidity and interaction, pT spectrum pT (1 + pT/p0)^-7.5.

    Parameters
    ----------
    mu : mean interactions per crossing; 200 is the high-luminosity LHC's
    charged, photons, neutral : multiplicities per unit of pseudorapidity
    charged_p0, photons_p0, neutral_p0 : scales of the spectra, GeV
    power : of the spectra; at least 3, below which the mean pT is infinite
    """

    mu: float = 200.0
    charged: float = 7.3
    photons: float = 7.3
    neutral: float = 0.8
    charged_p0: float = 1.24
    photons_p0: float = 0.58
    neutral_p0: float = 1.9
    power: float = 7.5

    def __post_init__(self) -> None:
        _positive(self, "mu", "charged", "photons", "neutral", zero=True)
        _positive(self, "charged_p0", "photons_p0", "neutral_p0")
        if not self.power > 3:
            raise ConfigError(f"synthetic events: power {self.power}; expected more than 3")

    @property
    def per_eta(self) -> float:
        """All particles per unit of pseudorapidity and interaction."""
        return self.charged + self.photons + self.neutral


@dataclass(frozen=True)
class Signal:
    """One particle or jet that points at the module, in a share of the images.

    Parameters
    ----------
    share : share of the images that have a signal
    kinds : drawn with equal probability, of ``SIGNALS``
    lowest_pt, highest_pt : ends of the log-uniform pT spectrum, GeV
    """

    share: float = 0.5
    kinds: tuple[str, ...] = SIGNALS[1:]
    lowest_pt: float = 1.0
    highest_pt: float = 100.0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ConfigError(f"synthetic events: signal share {self.share}; expected a number of 0 to 1")
        for kind in self.kinds:
            if kind not in SIGNALS[1:]:
                known = ", ".join(SIGNALS[1:])
                raise ConfigError(
                    f"signal {kind!r} is unknown; expected one of {known}{did_you_mean(kind, SIGNALS[1:])}"
                )
        if self.share and not self.kinds:
            raise ConfigError(
                "synthetic events: a signal share but no signal kinds; give at least one, or a share of 0"
            )
        if not 0 < self.lowest_pt <= self.highest_pt:
            raise ConfigError(
                f"synthetic events: signal pT from {self.lowest_pt} to {self.highest_pt} GeV; expected a rising range"
            )


@dataclass(frozen=True)
class Electronics:
    """Front end and calibration.

    Parameters
    ----------
    noise_mip : standard deviation of a trigger cell's noise
    threshold_mip : zero suppression
    saturation_mip : of a trigger cell; 10 pC at 3.43 fC per MIP in 200 um of silicon (CMSSW, HGCAL digitizer)
    counts_per_mip : charge units before the 4E3M code
    calibrated : whether charges are multiplied by 1 / cosh(eta) of the module after the code
    """

    noise_mip: float = 0.30
    threshold_mip: float = 0.5
    saturation_mip: float = 2915.0
    counts_per_mip: float = MIP_COUNTS
    calibrated: bool = True

    def __post_init__(self) -> None:
        _positive(self, "noise_mip", zero=True)
        _positive(self, "threshold_mip", "saturation_mip", "counts_per_mip")


@dataclass(frozen=True)
class Parameters:
    """Everything that synthetic events depend on, besides the seed.

    Parameters
    ----------
    modules : ``all``, or modules as ``layer:u,v`` with blanks between them, for example ``7:5,1``
    """

    modules: str = "all"
    calorimeter: Calorimeter = field(default_factory=Calorimeter)
    pileup: Pileup = field(default_factory=Pileup)
    signal: Signal = field(default_factory=Signal)
    electronics: Electronics = field(default_factory=Electronics)
