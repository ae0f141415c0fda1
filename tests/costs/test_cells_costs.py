"""Costs of encoders that send cells: their parts, their blocks, and every command on a small one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from econ_ae.app import cost_tables, costing
from econ_ae.app.costed import design
from econ_ae.app.run.context import Context
from econ_ae.config import RunConfig, parse
from econ_ae.config.cells_skeleton import cells_skeleton
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from rtl_gen.costs.netlist.hierarchy import OTHER, part_of
from rtl_gen.verilog import default_options, generate_block, register_stages
from tests.costs.small import Command, needs_yosys
from tests.random_cells import random_cell_model
from tests.untrained import untrained

SETTINGS = {
    "name": "few_cells",
    "encoder": {"family": "cells"},
    "cells": {"most_cells": 2, "fraction": 8, "classes": 2, "bias_bits": 4, "most_pulses": 15, "most_exact": 15},
    "hardware": {"elinks": 2},
}


@pytest.fixture
def config() -> RunConfig:
    return parse(SETTINGS, "test")


@pytest.fixture
def model(config: RunConfig) -> EncoderModel:
    return cells_skeleton(config, LOW_DENSITY)


@pytest.fixture
def context(tmp_path: Path, config: RunConfig, model: EncoderModel) -> Context:
    """A run of 48 cells that sends two, never trained."""
    return untrained(tmp_path / "run", model, config)


@pytest.mark.parametrize("seed", [5, 21])
def test_every_module_belongs_to_a_part(seed: int) -> None:
    model = random_cell_model(seed, 6)
    names = [Path(name).stem for name in generate_block(model, default_options(model)) if name.endswith(".v")]
    anywhere = ("_datapath", "_block", "econ_ae_mixed", "econ_ae_reset_sync", "econ_ae_tmr_register", "econ_ae_flops")
    assert [name for name in names if part_of(name, OTHER) == OTHER and not name.endswith(anywhere)] == []


@pytest.mark.parametrize("name", ["order", "send", "count", "give", "enumerate"])
def test_layers_may_have_the_name_of_a_step(name: str) -> None:
    assert part_of(f"model_layer_{name}", OTHER) == f"layer {name}"
    assert part_of(f"model_mac9_{name}", f"layer {name}") == f"layer {name}"
    assert part_of(f"model_mac9_{name}_output", f"layer {name}") == f"layer {name}"
    assert part_of(f"model_requantise_{name}", f"layer {name}") == "requantise"
    assert part_of(f"model_{name}", OTHER) not in {OTHER, f"layer {name}"}


def test_registers_of_the_run_are_costed(config: RunConfig, model: EncoderModel) -> None:
    assert design(config, model, "block").latency == 8
    assert design(config, model, "datapath").free() == {"front_end": "front_end"}
    fewer = config.model_copy(update={"hardware": config.hardware.model_copy(update={"registers": ("input", "frame")})})
    made = design(fewer, model, "datapath")
    assert made.latency == 2
    assert set(made.free()) == {*register_stages(model, made.options)} - {"input", "frame"}
    assert {"mux", "calibration", "weights"} == set(made.quasi_static)
    text = "".join(made.files.values())
    assert all(f" {instance} (" in text for instance in made.free().values())


def test_there_is_no_encoder_alone(context: Context, command: Command) -> None:
    code, _, error = command("costs", str(context.run.path), "--block", "encoder")
    assert code == 2
    assert "block 'encoder' is not made of encoders that send cells" in error
    assert "expected datapath or block" in " ".join(error.split())
    assert len(error.strip().splitlines()) == 1
    with pytest.raises(ConfigError, match="block 'blok' is unknown"):
        design(context.config, context.model(), "blok")


@needs_yosys
@pytest.mark.slow
@pytest.mark.simulator
@pytest.mark.parametrize("library", ["nangate45_typ", "ihp_sg13g2_typ_1p20V_25C"])
def test_every_command(library: str, context: Context, command: Command, reference: Path) -> None:
    path, liberty = str(context.run.path), str(reference / "liberty" / f"{library}.lib.gz")
    code, out, error = command("costs", path, "--liberty", liberty, "--power-events", "640")
    assert code == 0, error
    assert "order of the cells" in out
    folder = context.path("costs", f"{library}-block")
    found = costing.read(folder / costing.FILE)
    assert (found.origin.latency, found.simulated) == (8, 640)
    parts = {part.part for part in found.areas.parts}
    assert found.power is not None
    assert {row.part for row in found.power.measured.rows} <= parts
    assert sum(part.gate_equivalents for part in found.areas.parts) == pytest.approx(found.areas.modules[0].total)
    if found.timing is not None:
        assert {"order", "choose", "frame", "configuration"} <= {path.stage for path in found.timing.paths}
    code, out, error = command("power", path, "--liberty", liberty, "--events", "640", "--glitches", "--json")
    assert code == 0, error
    assert {"measured", "with unit delays"} <= set(json.loads(out)[-1])
    code, out, error = command("verify", path, "--suite", "netlist", "--liberty", liberty, "--events", "640", "--json")
    assert code == 0, error
    (result,) = json.loads(out)
    assert (result["mismatches"], result["bench_events"]) == (0, 2)
    shown, left_out = cost_tables.for_report(context)
    assert [one.title for one in shown] == [f"Complete block with its registers behind I2C, cells of {found.library}"]
    assert not left_out
