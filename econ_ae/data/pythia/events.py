"""Events of Pythia 8: final particles that reach the endcaps, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.synthetic.particles import CHARGED, MUON, NEUTRAL, PHOTON
from econ_ae.errors import ConfigError, ToolMissingError
from econ_ae.geometry import FloatArray, IndexArray
from econ_ae.progress import Progress

MINIMUM_BIAS = ("SoftQCD:inelastic = on",)
TTBAR = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")

_COMMON = (
    "Print:quiet = on",
    "Beams:eCM = 14000.",
    "ParticleDecays:limitTau0 = on",  # what lives longer than 10 mm reaches the calorimeter
    "ParticleDecays:tau0Max = 10.",
    "Random:setSeed = on",
)
_LARGEST_SEED = 900_000_000
_TRIES = 10  # for one event; Pythia gives up on a few in a million
_ETA = (1.3, 3.3)  # the modules are within 1.5 and 2.9
_NEUTRINOS = (12, 14, 16)
_MUON = 13
_SHOWERING = (11, 22)


@dataclass(frozen=True, eq=False)
class Events:
    """Particles of the endcaps, one event per endcap; the backward one is mirrored.

    Attributes
    ----------
    start : intp (events + 1,), where the particles of each event start
    kind : int8 (n,), as in ``Particles``
    charge, pt, eta, phi, p : float64 (n,), in units of e, GeV and radians; ``p`` is the momentum
    """

    start: IndexArray
    kind: NDArray[np.int8]
    charge: FloatArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    p: FloatArray

    def __len__(self) -> int:
        return len(self.start) - 1


def load() -> Any:
    """Return the Pythia module.

    Raises
    ------
    ToolMissingError
        When it is not installed.
    """
    try:
        import pythia8mc  # noqa: PLC0415 - optional, and slow to load
    except ImportError as problem:
        raise ToolMissingError(
            f"events of Pythia need the package pythia8mc ({problem}); install it with: pip install 'econ-ae[pythia]'"
        ) from problem
    return pythia8mc


def generate(process: tuple[str, ...], collisions: int, seed: int, progress: Progress) -> Events:
    """Generate proton-proton collisions at 14 TeV; each gives two events, one per endcap.

    Raises
    ------
    ToolMissingError
        When Pythia is not installed.
    ConfigError
        When Pythia does not start or stops early; its own messages are on the terminal.
    """
    pythia = load().Pythia("", False)
    for line in (*_COMMON, f"Random:seed = {seed % (_LARGEST_SEED - 1) + 1}", *process):
        pythia.readString(line)
    if not pythia.init():
        raise ConfigError(f"Pythia does not start with {', '.join(process)}; expected settings of Pythia 8.317")
    rows: list[tuple[int, int, float, float, float, float, float]] = []
    with progress.bar("Pythia events", collisions) as bar:
        for number in range(collisions):
            if not any(pythia.next() for _ in range(_TRIES)):
                raise ConfigError(f"Pythia rejects events of {', '.join(process)}; expected a process that it can do")
            rows += _final(pythia.event, number)
            bar.advance()
    return _events(rows, collisions)


def _final(event: Any, number: int) -> list[tuple[int, int, float, float, float, float, float]]:
    rows = []
    for particle in event:
        if not particle.isFinal():
            continue
        eta, identity = particle.eta(), particle.idAbs()
        if identity in _NEUTRINOS or not _ETA[0] < abs(eta) < _ETA[1]:
            continue
        charge = particle.charge()
        kind = CHARGED if charge else NEUTRAL
        if identity in _SHOWERING:
            kind = PHOTON
        elif identity == _MUON:
            kind = MUON
        rows.append((2 * number + (eta < 0), kind, charge, particle.pT(), abs(eta), particle.phi(), particle.pAbs()))
    return rows


def _events(rows: list[tuple[int, int, float, float, float, float, float]], collisions: int) -> Events:
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    table = table[np.argsort(table[:, 0], kind="stable")]
    start = np.searchsorted(table[:, 0], np.arange(2 * collisions + 1))
    _, kind, charge, pt, eta, phi, p = table.T
    return Events(start, kind.astype(np.int8), charge, pt, eta, phi, p)
