"""Images of Pythia: the helix, the overlay, and a run with a few dozen real events."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from econ_ae.config import DataConfig, SyntheticConfig
from econ_ae.data.batch import Batch
from econ_ae.data.generated import generated
from econ_ae.data.pythia import PythiaParameters, chunks, generate
from econ_ae.data.pythia.events import Events
from econ_ae.data.pythia.overlay import Projection, aimed, helix, pileup
from econ_ae.data.synthetic import Calorimeter, Parameters, Signal
from econ_ae.data.synthetic import generate as synthetic
from econ_ae.data.synthetic.modules import parse_modules
from econ_ae.data.synthetic.particles import CHARGED
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY
from tests.required import absent


@pytest.fixture
def pythia() -> None:
    """Skip without the optional package, unless nothing may be skipped."""
    if find_spec("pythia8mc") is None:
        message = "the optional package pythia8mc is not installed"
        absent(message)


def particles(pt: float, eta: float, charges: tuple[float, ...]) -> Events:
    n = len(charges)
    column = np.ones(n)
    start = np.arange(n + 1)
    kind = np.full(n, CHARGED, np.int8)
    return Events(start, kind, np.array(charges), pt * column, eta * column, 0.3 * column, pt * np.cosh(eta) * column)


@pytest.mark.parametrize(("pt", "eta"), [(0.3, 2.0), (1.0, 1.6), (5.0, 2.5), (0.15, 1.6)])
def test_helix_is_the_equation_of_motion(pt: float, eta: float) -> None:
    """Against small steps of the Lorentz force in 3.8 T along z."""
    r, phi = helix(particles(pt, eta, (1.0, 0.0)), 322.0)
    position, direction = np.zeros(2), 0.3
    steps = 20_000
    length = 3.22 / np.sinh(eta) / steps
    for _ in range(steps):
        turn = -0.299792458 * 3.8 * length / pt
        position += length * np.array([np.cos(direction + turn / 2), np.sin(direction + turn / 2)])
        direction += turn
    np.testing.assert_allclose(r[0] * np.array([np.cos(phi[0]), np.sin(phi[0])]), 100 * position, atol=0.01)
    assert (r[1], phi[1]) == pytest.approx((322 / np.sinh(eta), 0.3))


def test_pileup_is_uniform_in_azimuth_and_aimed_events_hit() -> None:
    modules = parse_modules("1:5,1 1:-5,-1 1:4,5", Calorimeter())
    eta = float(modules.eta[0])
    pool = Projection.at(particles(50.0, eta, (1.0, -1.0, 0.0)), 322.0)
    rng = np.random.default_rng(1)
    counts = [len(pileup(rng, pool, 20_000, modules, m)) for m in range(3)]
    mean = 20_000 * 2 * np.arcsin(13.13 / 2 / 76.7) * 2 / (2 * np.pi)
    assert counts == pytest.approx([mean] * 3, rel=0.1)
    for m in range(3):
        hits = [aimed(rng, pool, modules, m) for _ in range(50)]
        assert all(len(h) == 1 and np.hypot(h.x_cm[0], h.y_cm[0]) < 9 for h in hits)


def test_an_event_that_misses_gives_nothing() -> None:
    modules = parse_modules("1:5,1", Calorimeter())
    assert len(aimed(np.random.default_rng(1), Projection.at(particles(50, 1.5, (0.0,)), 322.0), modules, 0)) == 0


def _pythia(events: int = 1, **settings: Any) -> Batch:
    return generated(DataConfig(source="pythia", events=events, synthetic=SyntheticConfig(**settings)), 1, LOW_DENSITY)


def test_missing_package_is_one_line(command: Callable[..., tuple[int, str, str]], monkeypatch: object) -> None:
    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    code, _, err = command("data", "pythia")
    assert code == 2
    assert err.count("\n") == 1
    assert "install it with: pip install 'econ-ae[pythia]'" in err


def test_minimum_bias_is_near_the_parametrised_pileup(pythia: None) -> None:
    few = PythiaParameters("7:5,1", signal="none", pool=60)
    ours = generate(500, 1, parameters=few)
    other = synthetic(4000, 1, parameters=Parameters("7:5,1", signal=Signal(share=0)))
    assert ours.provenance.synthetic is True
    assert ours.provenance.source.startswith("Pythia ")
    assert ours.occupancy.mean() == pytest.approx(other.occupancy.mean(), rel=0.3)
    assert np.log(ours.total.mean()) == pytest.approx(np.log(other.total.mean()), abs=0.6)
    program = (
        "from econ_ae.data.pythia import PythiaParameters, generate\n"
        "few = PythiaParameters('7:5,1', signal='none', pool=60)\n"
        "print(generate(500, 1, parameters=few).content_hash())"
    )
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert again.stdout.split()[-1] == ours.content_hash()


def test_signals_of_pythia(pythia: None) -> None:
    quiet = {"modules": "7:5,1", "pileup": 0.0, "signal_share": 1.0}
    gun = _pythia(events=20, **quiet, signals=("electron",))
    top = generate(20, 1, parameters=PythiaParameters("7:5,1", 0.0, "ttbar", 1.0, hard_pool=20))
    parts = chunks(20, 1, 7, parameters=PythiaParameters("7:5,1", 0.0, "electron", 1.0))
    np.testing.assert_array_equal(np.concatenate([part.charges for part in parts]), gun.charges)
    assert set(np.unique(top.metadata["signal"])) == {1}
    assert set(np.unique(gun.metadata["signal"])) == {2}
    assert (np.asarray(gun.metadata["signal_pt"]) > 0).all()
    assert (gun.total > 0).all()
    assert (np.asarray(top.metadata["sim_energy"]) > 0).mean() > 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PythiaParameters(signal="tbar"), "signal 'tbar' is unknown to Pythia's images; expected one of none,"),
        (lambda: PythiaParameters(share=2), "Pythia: mu 200.0, signal share 2, pools 2000 and 500; expected 0 or more"),
        (lambda: generate(0, 1), "0 events of Pythia with seed 1 in chunks of 1; expected at least"),
        (
            lambda: _pythia(signals=("ttbar", "electron")),
            "data.synthetic.signals = ['ttbar', 'electron']: images of Pythia have one kind of signal",
        ),
    ],
)
def test_errors(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ConfigError) as caught:
        make()
    assert message in str(caught.value)
