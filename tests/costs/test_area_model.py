"""The area model: exact counts against the Verilog, errors against stored and fresh synthesis, mistakes in one line."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import area_fit
from benchmarks.area_model import PRESETS, model_of
from benchmarks.area_synthesis import Bench
from econ_ae.app.area_model import AreaEstimate, estimate
from econ_ae.app.area_model.estimate import coefficients, pieces, stages_of
from econ_ae.app.area_model.pieces import FEATURES
from econ_ae.app.costed import design
from econ_ae.app.run.context import Context
from econ_ae.config import RunConfig, load_preset, parse
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import address_map
from rtl_gen.verilog import default_options, generate, register_stages, structural
from rtl_gen.verilog.generate import top_module
from rtl_gen.verilog.plan import plan
from tests.costs.small import Command, needs_yosys
from tests.random_cells import random_cell_model
from tests.random_models import odd_model

STORED = json.loads((Path(__file__).parent / "area_blocks.json").read_text(encoding="utf-8"))
"""Synthesised blocks that were not fitted: hash of the encoder, kGE and flip-flops by name."""
MEDIAN, MOST = 0.05, 0.12
_REGISTER = re.compile(r"econ_ae_pipeline_register #\(\.WIDTH\((\d+)\)\) register_(\w+) ")


def valid() -> Iterator[EncoderModel]:
    yield from (odd_model(seed) for seed in range(12))
    yield from (random_cell_model(seed, 12) for seed in range(8))


MODELS = list(valid())


@pytest.fixture(params=MODELS, ids=lambda model: model.name)
def model(request: pytest.FixtureRequest) -> EncoderModel:
    found: EncoderModel = request.param
    return found


def test_every_pipeline_register_has_the_bits_of_the_verilog(model: EncoderModel) -> None:
    options = default_options(model, "datapath")
    everywhere = replace(options, registers=frozenset(register_stages(model, options)))
    text = generate(model, everywhere)[f"{top_module(model, everywhere)}.v"]
    written = {name: int(width) for width, name in _REGISTER.findall(text)}
    assert stages_of(model, everywhere.registers) == written
    assert stages_of(model, None).keys() == options.registers


def test_configuration_bits_are_those_of_the_register_map(model: EncoderModel) -> None:
    found = estimate(model)
    assert found.registers == address_map(model).stored_bits
    fewer = estimate(model, ())
    assert fewer.flip_flops < found.flip_flops
    assert fewer.kge < found.kge


def test_every_module_of_the_block_is_counted(model: EncoderModel) -> None:
    made = design(RunConfig(), model, "block")
    stages = stages_of(model, None)
    counted = {piece.module for piece in pieces(model, address_map(model), stages)}
    own = {Path(name).stem.removeprefix(f"{model.name}_") for name in made.files if name.startswith(f"{model.name}_")}
    wrappers = {"block", "datapath", "config_decode", *(name for name in own if name.startswith("layer_"))}
    wires = {name for name in own if re.fullmatch(r"mac\d+_[a-z]+\d*|mac0_.*", name)}
    assert own - wrappers - wires == {name for name in counted if not name.startswith("econ_ae_")} - {"control"} & own
    assert all(piece.count > 0 and min(piece.features) >= 0 for piece in pieces(model, address_map(model), stages))


@pytest.mark.parametrize("seed", range(12))
def test_adders_are_counted_as_they_are_written(seed: int) -> None:
    model = odd_model(seed)
    for p in plan(model):
        for inputs in p.window_sizes:
            texts = structural.modules("m", p.stage, inputs, "")
            for counts, name in zip(structural.cell_counts(p.stage, inputs), ("m_multiples", "m_output"), strict=True):
                words = Counter(re.findall(r"^ *(econ_ae_\w+_adder) ", texts.get(name, ""), re.MULTILINE))
                assert counts.full_adders == words["econ_ae_full_adder"]
                assert counts.half_adders == words["econ_ae_half_adder"]


def test_stored_blocks_are_within_the_bounds() -> None:
    """Of random encoders that nothing was fitted to: the errors that the package states are those of today."""
    errors: dict[bool, list[float]] = {False: [], True: []}
    for name, stored in STORED.items():
        model = model_of(name)
        assert codec.sha256(model) == stored["encoder_sha256"], f"{name} is another encoder now"
        found = estimate(model)
        assert found.flip_flops == stored["flip_flops"]
        errors[model.sends_cells].append(found.kge / stored["kge"] - 1)
    for cells, said in ((False, coefficients().layers), (True, coefficients().cells)):
        now = area_fit.family(errors[cells])
        assert now.encoders == said.encoders
        assert (now.median, now.p95, now.largest) == pytest.approx((said.median, said.p95, said.largest), abs=1e-3)
    every = np.abs([*errors[False], *errors[True]])
    assert np.median(every) < MEDIAN
    assert np.quantile(every, 0.95) < MOST


def test_nothing_that_is_tested_was_fitted() -> None:
    provenance = coefficients().provenance
    assert set(provenance.tested) == set(STORED)
    fitted = {codec.sha256(model_of(name)) for name in provenance.fitted}
    assert not fitted & {stored["encoder_sha256"] for stored in STORED.values()}
    assert coefficients().gate_equivalents.keys() == FEATURES.keys()


@pytest.mark.parametrize(("name", "kge"), PRESETS.items())
def test_presets_are_predicted(name: str, kge: float) -> None:
    assert estimate(skeleton(load_preset(name), LOW_DENSITY)).kge == pytest.approx(kge, rel=0.03)


def grown(section: str, **changes: object) -> AreaEstimate:
    raw = load_preset("econ-t").model_dump(mode="json")
    raw["encoder"][section][0] |= changes
    return estimate(skeleton(parse(raw, "test"), LOW_DENSITY))


@pytest.mark.parametrize(
    ("section", "smaller", "larger"),
    [
        ("conv", {"filters": 4}, {"filters": 8}),
        ("conv", {"weight": "s0.3"}, {"weight": "s0.5"}),
        ("dense", {"units": 8}, {"units": 16}),
        ("dense", {"weight": "s0.3"}, {"weight": "s0.5"}),
    ],
)
def test_more_costs_more(section: str, smaller: dict[str, object], larger: dict[str, object]) -> None:
    small, large = grown(section, **smaller), grown(section, **larger)
    assert small.kge < large.kge
    assert small.registers < large.registers
    assert small.datapath_kge < large.datapath_kge


@pytest.mark.parametrize(
    ("smaller", "larger"), [({"most_cells": 8}, {"most_cells": 16}), ({"fraction": 8}, {"fraction": 12})]
)
def test_more_cells_cost_more(smaller: dict[str, int], larger: dict[str, int]) -> None:
    config = load_preset("frontier-3elinks")
    sizes = [
        estimate(skeleton(config.model_copy(update={"cells": config.cells.model_copy(update=change)}), LOW_DENSITY)).kge
        for change in (smaller, larger)
    ]
    assert sizes[0] < sizes[1]


def test_an_unknown_register_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"register stage 'frmae' is unknown; expected one of .* frame"):
        estimate(MODELS[0], ("frmae",))


def test_parts_add_up(model: EncoderModel) -> None:
    found = estimate(model)
    assert sum(part.kge for part in found.parts) == pytest.approx(found.kge)
    assert found.datapath_kge + found.registers_kge == pytest.approx(found.kge)
    assert 0 < found.error < MOST


def test_command(context: Context, command: Command) -> None:
    run = str(context.run.path)
    code, out, err = command("costs", run, "--estimate")
    assert code == 0, err
    expected = estimate(context.model())
    assert f"estimated: {expected.kge:.0f} kGE in NanGate 45 before layout" in " ".join(out.split())
    code, out, _ = command("costs", run, "--estimate", "--json")
    found = json.loads(out)
    assert found["kge"] == pytest.approx(expected.kge)
    assert found["registers"] == expected.registers
    assert not context.path("costs").exists(), "an estimate leaves nothing in the run"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--block", "encoder"), "--estimate knows the complete block alone, not 'encoder'"),
        (("--liberty", "x.lib"), "--estimate is of NanGate 45 alone; --liberty x.lib needs synthesis"),
    ],
)
def test_what_is_not_estimated_is_one_line(
    context: Context, command: Command, more: tuple[str, ...], message: str
) -> None:
    code, _, err = command("costs", str(context.run.path), "--estimate", *more)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


@needs_yosys
@pytest.mark.slow
@pytest.mark.parametrize("seed", [900, 905, 907, 910])
def test_fresh_encoders_are_within_the_bounds(seed: int, tmp_path: Path, reference: Path) -> None:
    """Neither fitted nor tested before; the second synthesis takes every module it can from the first."""
    name = f"test_{seed}"
    model = model_of(name)
    bench = Bench(tmp_path, reference / "liberty" / "nangate45_typ.lib.gz")
    whole = bench.block(name, model)
    assert not whole.taken
    found = estimate(model)
    assert found.kge == pytest.approx(whole.kge, rel=MOST)
    assert found.flip_flops == whole.flops(whole.top)
    again = bench.block(f"{name}_again", model)
    assert again.taken
    # abc's result for a module depends a little on the numbers that yosys gives its nets.
    assert again.kge == pytest.approx(whole.kge, rel=3e-3), "modules are mapped apart"
