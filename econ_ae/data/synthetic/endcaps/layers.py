"""The layers of one endcap: where they are, what is in front of them, and what a charge in them counts for.

CMS geometry V16: 26 layers of CE-E, of which the trigger reads the odd ones, and 21 of CE-H. Trigger layers are
numbered as in ``readers.cms_events``. Left out are layers 14, 16 and 18, which that form of file does not have.

* Loss of a minimum-ionising particle in the absorber before each layer, and radiation lengths up to each layer of CE-E:
  CMSSW, ``HGCalRecHit_cfi.weightsPerLayer_V16`` and the depths of the geometry D86 that are quoted with it.
* CE-E has 1.5 interaction lengths (CMS TDR, CERN-LHCC-2017-023), in proportion to the loss. CE-H is taken as iron: 20.1
  MeV for a radiation length, 191.7 MeV for an interaction length (PDG, atomic and nuclear properties).
* z, energy of a count, thicknesses and radial extent: the public file of whole events (erdemyigit/hgcal_npz). The
  energies of a count are those of an older geometry's weights (V10, with 12 % more in CE-E), as the file's calibration
  used them: they are not in proportion to the loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from econ_ae.geometry import FloatArray, IndexArray

COUNTS_PER_MIP = 5.537
"""Of 300 um: 21.876 MeV, the loss in two layers of V10 (10.938 each), over the 3.95074 MeV of a count in layer 13."""

# Loss of a MIP in front of CMS layers 1 to 47, MeV.
_LOSS = (
    5.55, *(12.86, 9.4) * 8, *(12.86, 13.54) * 4, 12.86,
    58.63, *(60.7,) * 10, 83.08, 83.08, 83.43, *(83.61,) * 7,
)  # fmt: skip
# Radiation lengths up to the odd layers of CE-E.
_X0 = (0.564, 2.547, 4.528, 6.509, 8.49, 10.472, 12.453, 14.434, 16.415, 18.975, 21.536, 24.096, 26.656)
_X0_OF_CE_E, _LAMBDA_OF_CE_E = 27.659, 1.5
_MEV_PER_X0, _MEV_PER_LAMBDA = 20.1, 191.7
_CE_E, _LAST_OF_CE_E, _BEHIND = 13, 26, 14
_FRONT_CM = 1.5  # absorber in front of the first silicon

# z of the 34 trigger layers in cm.
_Z = (
    322.15, 325.21, 328.27, 331.33, 334.38, 337.44, 340.5, 343.55, 346.61, 349.99, 353.38, 356.76, 360.14,
    367.98, 374.28, 380.59, 386.89, 393.2, 399.5, 405.81, 412.11, 418.42, 424.72, 431.03,
    439.25, 447.48, 455.7, 463.93, 472.15, 480.38, 488.6, 496.83, 505.05, 513.28,
)  # fmt: skip
_LEFT_OUT = (14, 16, 18)

# By trigger layer: least and greatest distance of a module's centre from the beam, up to where silicon is of 120 um and
# of 200 um (cm), and energy of a count in 300 um (MeV).
_FACTS = {
    0: (44, 143.5, 80, 91, 1.79906),
    **dict.fromkeys((1, 2), (44, 143.5, 80, 97, 4.42472)),
    3: (44, 145.5, 80, 103, 4.42472),
    4: (44, 146.5, 80, 103, 4.42472),
    5: (44, 146.5, 80, 103, 4.42269),
    6: (44, 149, 80, 107, 4.42472),
    **dict.fromkeys((7, 8, 9), (44, 151, 80, 103, 4.42483)),
    **dict.fromkeys((10, 11), (44, 154, 80, 103, 4.42483)),
    12: (44, 154, 80, 97, 4.42483),
    13: (44, 154, 80, 97, 3.95074),
    15: (44, 160, 80, 91, 15.153),
    17: (44, 164, 80, 88, 9.29052),
    19: (44, 168, 80, 80, 9.29052),
    20: (51, 144.5, 0, 76.4, 9.29052),
    **dict.fromkeys((21, 22, 23), (51, 144.5, 0, 72.6, 9.29052)),
    **dict.fromkeys((24, 25), (58, 128, 0, 65.5, 9.29052)),
    26: (58, 111.6, 0, 61, 12.55366),
    27: (58, 111.6, 0, 61, 15.8168),
    **dict.fromkeys((28, 29), (58, 111.6, 0, 0, 15.8168)),
    **dict.fromkeys((30, 31), (58, 95.5, 0, 0, 15.8168)),
    32: (58, 95.5, 0, 0, 15.75044),
    33: (58, 95.5, 0, 0, 15.69152),
}


@dataclass(frozen=True, eq=False)
class Layers:
    """Layers of an endcap by index, all arrays (layers,).

    Attributes
    ----------
    number : intp, trigger layer
    z_cm : float64, absolute
    x0, interaction : float64, radiation and interaction lengths in front of the silicon, at normal incidence
    loss_mev : float64, loss of a MIP in front of the silicon
    mev_per_x0, mev_per_lambda : float64, loss of a MIP in a radiation and in an interaction length around the layer
    inner_cm, outer_cm : float64, least and greatest distance of a module's centre from the beam
    thin_cm, middle_cm : float64, up to which silicon is of 120 and of 200 um
    gev_per_count : float64, energy of a count in 300 um
    """

    number: IndexArray
    z_cm: FloatArray
    x0: FloatArray
    interaction: FloatArray
    loss_mev: FloatArray
    mev_per_x0: FloatArray
    mev_per_lambda: FloatArray
    inner_cm: FloatArray
    outer_cm: FloatArray
    thin_cm: FloatArray
    middle_cm: FloatArray
    gev_per_count: FloatArray

    def __len__(self) -> int:
        return len(self.number)

    @property
    def gev_per_mip(self) -> FloatArray:
        """float64 (layers,): energy that the calibration gives for a minimum-ionising particle."""
        return COUNTS_PER_MIP * self.gev_per_count

    def x0_at(self, interaction: FloatArray) -> FloatArray:
        """Return the radiation lengths up to depths in interaction lengths, at normal incidence; 0 at 0."""
        known = np.concatenate([[0.0], self.interaction])
        out: FloatArray = np.interp(interaction, known, np.concatenate([[0.0], self.x0]))
        return out

    def before(self, z_cm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return radiation lengths, interaction lengths and loss of a MIP (MeV) up to places, at normal incidence."""
        known = np.concatenate([[self.z_cm[0] - _FRONT_CM], self.z_cm])
        x0, interaction, loss = (
            np.interp(z_cm, known, np.concatenate([[0.0], depth]))
            for depth in (self.x0, self.interaction, self.loss_mev)
        )
        return x0, interaction, loss


def depths() -> FloatArray:
    """Return z of all 34 trigger layers, float64, cm, also of those that have no modules here.

    In single precision, in which files have them.
    """
    return np.array(_Z, np.float32).astype(np.float64)


@lru_cache(maxsize=1)
def layers() -> Layers:
    """Return the layers that have modules."""
    number = np.array([n for n in range(len(_Z)) if n not in _LEFT_OUT], np.intp)
    cms = np.where(number < _CE_E, 2 * number + 1, number + _BEHIND)
    loss = np.concatenate([[0.0], np.cumsum(_LOSS)])
    front = loss[_LAST_OF_CE_E]
    electromagnetic = number < _CE_E
    behind = loss[cms] - front
    x0 = np.where(electromagnetic, np.resize(_X0, len(number)), _X0_OF_CE_E + behind / _MEV_PER_X0)
    per_lambda = front / _LAMBDA_OF_CE_E
    interaction = np.where(electromagnetic, loss[cms] / per_lambda, _LAMBDA_OF_CE_E + behind / _MEV_PER_LAMBDA)
    # Around a layer of CE-E: what is lost between the layer before it and itself; around the first, as the second.
    step = np.diff(loss[cms]) / np.diff(x0)
    per_x0 = np.where(electromagnetic, np.concatenate([step[:1], step]), _MEV_PER_X0)
    facts = np.array([_FACTS[int(n)] for n in number])
    return Layers(
        number,
        depths()[number],
        x0,
        interaction,
        loss[cms],
        per_x0,
        np.where(electromagnetic, per_lambda, _MEV_PER_LAMBDA),
        facts[:, 0],
        facts[:, 1],
        facts[:, 2],
        facts[:, 3],
        facts[:, 4] / 1e3,
    )
