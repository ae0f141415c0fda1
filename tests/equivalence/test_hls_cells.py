"""Emulator = C++ of encoders that send cells, every word of every frame; and what breaks the C++ is found."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from econ_ae.config import load_preset
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import DataError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY, Arrangement
from econ_ae.ir.cells import Apportion, Choose, Enumerate, Merge, Order, modes
from econ_ae.ir.model import CELLS_VERSION, CHARGE, EncoderModel, Input, Normalise
from econ_ae.ir.validate import check
from rtl_gen.hls import CATAPULT, IMAGE, VITIS, Flavour, HlsOptions, Weights, generate
from rtl_gen.hls.options import STRUCT
from rtl_gen.writer import write_files
from sim.hls import HlsResult, verify_hls
from sim.hls.data import GOLDEN, IMAGES, campaign, data_files, golden
from sim.stimulus.settings import settings_list
from tests.hls_toolchain import require_toolchain
from tests.random_cells import hostile_charges, random_cell_model

SMALL = 12
PLAIN: tuple[Flavour, Weights] = (CATAPULT, IMAGE)
FLAVOURS: tuple[Flavour, ...] = (CATAPULT, VITIS)
FORMS: tuple[tuple[Flavour, Weights], ...] = ((CATAPULT, STRUCT), (VITIS, IMAGE))


@pytest.fixture(autouse=True)
def toolchain() -> None:
    require_toolchain()


def passed(result: HlsResult) -> None:
    assert result.passed, result.first_mismatch
    assert result.events == result.corner_events + result.random_events + result.real_events > 0


def verified(
    model: EncoderModel, folder: Path, form: tuple[Flavour, Weights], events: int, files: dict[str, str] | None = None
) -> HlsResult:
    """Compare hostile charges, the corners, and as many random events."""
    charges = hostile_charges(model, 3, events)
    return verify_hls(
        model, charges, folder, flavour=form[0], weights=form[1], random_events=events, seed=3, files=files
    )


def of_one_size(cells: int, near: bool) -> EncoderModel:
    """A model of so many cells that has a mode for each number of them."""
    chosen = modes(cells, range(1, cells + 1), 100, most_pulses=70, most_exact=90)
    ring = tuple(tuple(sorted({(i - 1) % cells, (i + 1) % cells} - {i})) for i in range(cells))
    choose = Choose(chosen, (), (tuple(range(len(chosen))),), 7)
    merge = (Merge(ring),) if near else ()
    ops = (Normalise(FixedFormat(False, 9, 8)), Order(), choose, *merge, Apportion(), Enumerate(5))
    image = Arrangement("cells", cells, 1, 1, tuple(range(cells)))
    return check(EncoderModel(f"of{cells}", Input(cells, CHARGE, image), ops, spec_version=CELLS_VERSION))


@pytest.mark.parametrize(("seed", "form"), [(5, FORMS[0]), (4, FORMS[1])])
def test_random_models(seed: int, form: tuple[Flavour, Weights], tmp_path: Path) -> None:
    model = random_cell_model(seed, SMALL)
    result = verified(model, tmp_path, form, 300)
    passed(result)
    assert (result.real_events, result.random_events) == (300, 300)
    assert len(result.weight_sets) == len(settings_list(model, 3)) > 10
    assert result.corner_events > 400


@pytest.mark.parametrize("cells", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_hardly_any_cells(cells: int, tmp_path: Path) -> None:
    model = of_one_size(cells, near=cells > 1)
    passed(verify_hls(model, np.zeros((0, cells), np.int64), tmp_path, random_events=300))


@pytest.mark.slow
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_as_many_cells_as_there_can_be(flavour: Flavour, tmp_path: Path) -> None:
    passed(verified(of_one_size(63, near=True), tmp_path, (flavour, IMAGE), 3000))


@pytest.mark.slow
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("seed", range(100, 120))
def test_campaign_of_random_models(seed: int, flavour: Flavour, tmp_path: Path) -> None:
    weights: Weights = IMAGE if seed % 2 else STRUCT
    passed(verified(random_cell_model(seed), tmp_path, (flavour, weights), 5000))


def preset(elinks: int) -> EncoderModel:
    """The encoder of a preset with a rule that nobody learned: every class and every mode has its turn."""
    model = skeleton(load_preset(f"frontier-{elinks}elinks"), LOW_DENSITY)
    choose = model.cell_code.choose
    rng = np.random.default_rng(elinks)
    bias = np.sort(rng.integers(0, 1 << choose.bias_fraction, (len(choose.bias), len(choose.modes))))[:, ::-1]
    return model.with_rule((8, 18, 32)[: len(choose.limits)], bias.tolist())


@pytest.mark.slow
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("elinks", [2, 3, 4, 5])
def test_campaign_of_a_preset(elinks: int, flavour: Flavour, tmp_path: Path) -> None:
    weights: Weights = IMAGE if elinks % 2 else STRUCT
    result = verified(preset(elinks), tmp_path, (flavour, weights), 10_000)
    passed(result)
    assert result.events > 20_000


def changed(model: EncoderModel, **changes: object) -> EncoderModel:
    """The model with one number of its last mode, or of its apportionment, changed."""
    code = model.cell_code
    if "offset" in changes:
        new: object = replace(code.apportion, **changes)  # type: ignore[arg-type]
        return check(replace(model, ops=tuple(new if op is code.apportion else op for op in model.ops)))  # type: ignore[arg-type]
    last = replace(code.choose.modes[-1], **changes)  # type: ignore[arg-type]
    choose = replace(code.choose, modes=(*code.choose.modes[:-1], last))
    return check(replace(model, ops=tuple(choose if op is code.choose else op for op in model.ops)))


def without_a_neighbour(model: EncoderModel) -> EncoderModel:
    """The model in which cell 0 and its first neighbour are no longer next to each other."""
    merge = next(op for op in model.ops if isinstance(op, Merge))
    near = [set(row) for row in merge.neighbours]
    other = min(near[0])
    near[0].remove(other)
    near[other].remove(0)
    cut = replace(merge, neighbours=tuple(tuple(sorted(row)) for row in near))
    return check(replace(model, ops=tuple(cut if op is merge else op for op in model.ops)))


@pytest.mark.parametrize(
    "number",
    ["pulses", *(pytest.param(name, marks=pytest.mark.slow) for name in ("exact_sum", "offset", "neighbour"))],
)
def test_cpp_of_a_model_that_differs_by_one_number_is_found(number: str, tmp_path: Path) -> None:
    model = of_one_size(5, near=True)
    now = vars(model.cell_code.choose.modes[-1]) | {"offset": model.cell_code.apportion.offset}
    other = without_a_neighbour(model) if number == "neighbour" else changed(model, **{number: now[number] - 1})
    result = verified(model, tmp_path, PLAIN, 400, generate(other, HlsOptions()))
    assert result.mismatches > 0
    assert "frame word" in str(result.first_mismatch)


@pytest.mark.parametrize(
    ("seed", "file", "change"),
    [
        (4, "encoder.cpp", ("x[j] >= x[i]", "x[j] > x[i]")),
        (4, "encoder.cpp", ("hit >= w.limits[n]", "hit > w.limits[n]")),
        (4, "encoder.cpp", ("left[q] >= left[p]", "left[q] > left[p]")),
        (3, "encoder.cpp", ("if (own < 0)", "if (own < -1)")),
        (4, "encoder.cpp", ("crossing & 15", "crossing & 7")),
        (4, "tables.h", ("DOWN[MODES][2] = {\n    {", "DOWN[MODES][2] = {\n    {1 + ")),
    ],
    ids=["rank", "class", "remainder", "largest", "header", "table"],
)
@pytest.mark.slow
def test_broken_cpp_is_found(seed: int, file: str, change: tuple[str, str], tmp_path: Path) -> None:
    model = random_cell_model(seed, SMALL)
    files = generate(model, HlsOptions())
    assert change[0] in files[file]
    files[file] = files[file].replace(*change)
    assert verified(model, tmp_path, PLAIN, 3000, files).mismatches > 0


def test_stimulus_and_frames_are_those_of_the_campaign() -> None:
    model = random_cell_model(4, SMALL)
    sent = campaign(model, hostile_charges(model, 1, 10), 50, 1)
    files, words = data_files(sent), golden(sent)
    rows = np.array([line.split() for line in files[IMAGES].splitlines()], np.int64)
    assert rows.shape == (sent.events(), 2 + model.input.cells)
    assert np.array_equal(rows[:, 2:], np.concatenate([phase.events for phase in sent.phases]))
    header = words[:, 0] >> 27
    assert np.array_equal(header, np.where(rows[:, 1] == 0, 31, rows[:, 1] % 16))
    assert set(header) == {*range(16), 31}
    assert files[GOLDEN].splitlines()[-1] == " ".join(map(str, words[-1]))
    with pytest.raises(DataError, match="charges must be integers of shape"):
        campaign(model, np.zeros((3, model.input.cells + 1), np.int64), 0, 1)


def test_project_runs_with_make_alone(tmp_path: Path) -> None:
    model = random_cell_model(13, SMALL)
    sent = campaign(model, hostile_charges(model, 1, 0), 13, 1)
    data = {f"data/{name}": text for name, text in data_files(sent).items()}
    write_files({**generate(model, HlsOptions()), **data}, tmp_path / "hls")
    command = ["make", "-s", "-C", str(tmp_path / "hls"), f"PYTHON={sys.executable}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"events {sent.events()} mismatches 0\n")
