"""Both EMD engines on pairs of every kind: against the full problem, flows, duals, and why pivoting ends."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from econ_ae.geometry import LOW_DENSITY as MODULE
from econ_ae.geometry import WaferGeometry
from metrics import emd_compiled, emd_pot
from metrics.baselines import best_choice, super_trigger_cells
from metrics.emd import emd, emd_duals, engine
from metrics.emd_pot import emd_c
from tests.required import absent, only_where

FloatArray = NDArray[np.float64]
Pairs = tuple[FloatArray, FloatArray]


def sparse(n: int, rng: np.random.Generator) -> FloatArray:
    """Whole charges up to 2^22 in a third of the cells, cell 0 among them."""
    images = np.minimum(np.rint(rng.lognormal(4, 2, (n, 48))), 2**22) * (rng.random((n, 48)) < 0.3)
    images[:, 0] += 1
    return images


def one_cell(n: int, rng: np.random.Generator) -> FloatArray:
    images = np.zeros((n, 48))
    images[np.arange(n), rng.integers(0, 48, n)] = rng.uniform(0.1, 1e6, n)
    return images


def grid(n: int, rng: np.random.Generator) -> FloatArray:
    """Equal charges in equally many cells: every plan is degenerate, and most have rivals of equal cost."""
    chosen = np.argsort(rng.random((n, 48)), axis=1) < rng.integers(1, 48, n)[:, None]
    return np.where(chosen, 1.0, 0.0)


def blurred(images: FloatArray, rng: np.random.Generator) -> FloatArray:
    """What an autoencoder makes of images: smooth, charge in all cells, noise."""
    kernel = np.exp(-MODULE.distance / 1.5)
    return images @ kernel * rng.lognormal(0, 0.5, images.shape)


def every_kind(n: int, seed: int) -> dict[str, Pairs]:
    """Return n pairs of every kind."""
    rng = np.random.default_rng(seed)
    x = sparse(n, rng)
    y = x.copy()
    y[:, 1:] *= rng.uniform(0.999999, 1.000001, (n, 47))
    flat = grid(n, rng)
    return {
        "random": (rng.random((n, 48)), rng.random((n, 48))),
        "sparse": (x, sparse(n, rng)),
        "autoencoder": (x, blurred(x, rng)),
        "best choice": (x, best_choice(x, 6, fill=False)),
        "best choice, filled": (x, best_choice(x, 14, fill=True)),
        "STC 2x2": (x, super_trigger_cells(x, MODULE.stc4, fill=False)),
        "STC 4x4": (x, super_trigger_cells(x, MODULE.stc16, fill=False)),
        "STC 4x4, filled": (x, super_trigger_cells(x, MODULE.stc16, fill=True)),
        "flat": (x, np.ones((n, 48))),
        "one cell": (one_cell(n, rng), one_cell(n, rng)),
        "one cell and many": (one_cell(n, rng), x),
        "nearly equal": (x, y),
        "equal": (x, 3 * x),
        "grids": (flat, grid(n, rng)),
        "permuted grids": (flat, rng.permuted(flat, axis=1)),
        "tiny": (1e-300 * rng.random((n, 48)), 1e-300 * sparse(n, rng)),
        "full range": (10.0 ** rng.uniform(-14, 6, (n, 48)), 10.0 ** rng.uniform(-14, 6, (n, 48))),
        "2^22": (np.floor(rng.random((n, 48)) * 2) * 2**22 + 1, np.floor(rng.random((n, 48)) * 2) * 2**22 + 1),
    }


KINDS = every_kind(40, seed=1)


@pytest.fixture(params=["compiled", "POT"])
def either_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "POT":
        monkeypatch.setattr(emd_compiled, "library", lambda: None)
    elif emd_compiled.library() is None:
        absent("the package was installed without a C compiler")
    return str(request.param)


needs_compiler = only_where(emd_compiled.library() is not None, "installed without a C compiler")


def full_problem(x: FloatArray, y: FloatArray, geometry: WaferGeometry = MODULE) -> FloatArray:
    """POT on all arcs: ot.emd2 without its checks of the arguments."""
    distance = np.ascontiguousarray(geometry.distance)
    p, q = x / x.sum(axis=1, keepdims=True), y / y.sum(axis=1, keepdims=True)
    return np.array([emd_c(a, b / b.sum() * a.sum(), distance, 1_000_000, 1)[1] for a, b in zip(p, q, strict=True)])


def solve_compiled(x: FloatArray, y: FloatArray, integer_pivots: int) -> FloatArray:
    values = np.empty(len(x))
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    emd_compiled.solve(x, y, MODULE, emd_compiled.Task(values), integer_pivots)
    return values


def test_engine_says_which_solver_runs(either_engine: str) -> None:
    assert engine() == {"compiled": emd_compiled.NAME, "POT": emd_pot.NAME}[either_engine]


@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_full_problem(kind: str, either_engine: str) -> None:
    x, y = KINDS[kind]
    np.testing.assert_allclose(emd(x, y, MODULE).values, full_problem(x, y), rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_flow_is_a_plan_of_that_cost_and_keeps_the_common_charge(kind: str, either_engine: str) -> None:
    x, y = KINDS[kind]
    result = emd(x, y, MODULE, return_flow=True)
    p, q = x / x.sum(axis=1, keepdims=True), y / y.sum(axis=1, keepdims=True)
    assert result.flow is not None
    assert (result.flow >= 0).all()
    np.testing.assert_allclose(result.flow.sum(axis=2), p, rtol=0, atol=1e-13)
    np.testing.assert_allclose(result.flow.sum(axis=1), q, rtol=0, atol=1e-13)
    np.testing.assert_allclose((result.flow * MODULE.distance).sum(axis=(1, 2)), result.values, rtol=0, atol=1e-12)
    kept = result.flow.diagonal(axis1=1, axis2=2)
    np.testing.assert_allclose(kept, np.minimum(p, q), rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_duals_prove_the_optimum(kind: str, either_engine: str) -> None:
    x, y = KINDS[kind]
    u, v = emd_duals(x, y, MODULE)
    p, q = x / x.sum(axis=1, keepdims=True), y / y.sum(axis=1, keepdims=True)
    np.testing.assert_allclose((u * p + v * q).sum(axis=1), emd(x, y, MODULE).values, rtol=0, atol=1e-11)
    assert (u[:, :, None] + v[:, None, :] <= MODULE.distance + 1e-12).all()


def test_duals_are_the_gradient(either_engine: str) -> None:
    x, y = KINDS["random"]  # every cell has an excess: the EMD is differentiable
    u, v = emd_duals(x, y, MODULE)
    rng = np.random.default_rng(3)
    step = 1e-8  # short, because the EMD is linear only between kinks
    for charges, other, dual in ((x, y, u), (y, x, v)):
        total = charges.sum(axis=1, keepdims=True)
        gradient = (dual - (dual * charges / total).sum(axis=1, keepdims=True)) / total
        direction = rng.standard_normal(charges.shape)
        ahead, behind = (emd(charges + s * direction, other, MODULE).values for s in (step, -step))
        np.testing.assert_allclose((ahead - behind) / (2 * step), (gradient * direction).sum(axis=1), atol=1e-6)


def test_duals_bound_the_emd_of_other_images(either_engine: str) -> None:
    x, y = KINDS["grids"]  # not differentiable: a subgradient
    u, _ = emd_duals(x, y, MODULE)
    p = x / x.sum(axis=1, keepdims=True)
    other = np.random.default_rng(4).dirichlet(np.ones(48), len(x))
    bound = emd(x, y, MODULE).values + (u * (other - p)).sum(axis=1)
    assert (emd(other, y, MODULE).values >= bound - 1e-12).all()


def test_other_geometries(either_engine: str) -> None:
    rng = np.random.default_rng(5)
    for cells, size in ((1, 1.0), (3, 1e-9), (13, 1e9), (56, 1.0), (57, 1.0), (70, 1e3)):
        none = np.zeros((0, 2, 2))
        index = np.zeros(0, dtype=np.intp)
        plane = WaferGeometry(f"{cells} cells", size * rng.random((cells, 2)), none, index, index, index, index)
        x, y = rng.random((20, cells)), rng.random((20, cells))
        np.testing.assert_allclose(emd(x, y, plane).values, full_problem(x, y, plane), rtol=0, atol=1e-9 * size)
        assert engine(plane) == (emd_pot.NAME if cells > 56 or either_engine == "POT" else emd_compiled.NAME)


@needs_compiler
@pytest.mark.parametrize("kind", KINDS)
def test_pivoting_ends_under_either_rule(kind: str) -> None:
    # 0: Bland's rule from the start tree on; 3: it takes over on the way. The engine raises at its bound.
    x, y = KINDS[kind]
    expected = emd(x, y, MODULE).values
    for integer_pivots in (0, 3):
        np.testing.assert_allclose(solve_compiled(x, y, integer_pivots), expected, rtol=0, atol=1e-11)


@needs_compiler
def test_no_pair_comes_near_the_bound_of_the_pivots() -> None:
    x, y = (np.concatenate(images) for images in zip(*KINDS.values(), strict=True))
    # A tenth of the bound is enough for the first rule: the second one changes no bit.
    enough = solve_compiled(x, y, emd_compiled.INTEGER_PIVOTS // 10)
    assert enough.tobytes() == solve_compiled(x, y, emd_compiled.INTEGER_PIVOTS).tobytes()


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("seed", range(100, 120))
def test_100_000_pairs_of_every_kind_equal_the_full_problem(seed: int) -> None:
    for kind, (x, y) in every_kind(5000, seed).items():
        values = emd(x, y, MODULE).values
        np.testing.assert_allclose(values, full_problem(x, y), rtol=0, atol=1e-9, err_msg=kind)
        np.testing.assert_allclose(solve_compiled(x, y, 0), values, rtol=0, atol=1e-11, err_msg=kind)
