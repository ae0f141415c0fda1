"""The costs of a run: tables add up, the report shows them, and every mistake is one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from econ_ae.app import cost_tables, costing, pipeline
from econ_ae.app.run.context import Context
from econ_ae.app.stages import costs as stage_costs
from econ_ae.errors import ToolError
from rtl_gen.costs import synthesise
from rtl_gen.costs.library import generic
from rtl_gen.costs.scaling import CHIP, LP65
from tests.costs.small import Command, needs_yosys, small_model
from tests.untrained import give_encoder


def test_the_scale_to_65_nm_is_the_area_of_a_nand() -> None:
    area, low, high = LP65.area(1e6)
    assert area == pytest.approx(1.44)
    assert low < area < high
    assert (CHIP.area, CHIP.power, CHIP.energy, CHIP.latency) == (3.6, 95, 2.4, 50)


@needs_yosys
def test_a_library_without_power_or_opensta_gives_what_there_is(
    context: Context, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generic cells as a library: areas and a table, and plain words for what is missing."""
    monkeypatch.setattr("econ_ae.app.costing.has", lambda _tool: False)
    library = generic.write(tmp_path)
    code, out, err = command("costs", str(context.run.path), "--block", "encoder", "--liberty", str(library))
    assert code == 0, err
    text = " ".join(out.split())
    assert "no timing: OpenSTA (sta) is not on the PATH; install it with: apt-get install opensta" in text
    assert "no power: power is simulated from trigger-cell codes to frames; give --block datapath or block" in text
    assert "scaled to 65 nm" in text
    areas = costing.read(context.path("costs", f"{generic.NAME}-encoder", "costs.json")).areas
    assert sum(part.gate_equivalents for part in areas.parts) == pytest.approx(areas.modules[0].total)
    assert {"layer conv", "layer dense", "requantise", "pipeline registers"} <= {part.part for part in areas.parts}


@needs_yosys
def test_fast_estimate_reaches_the_report(context: Context) -> None:
    files = stage_costs.run(context)
    assert [path.name for path in files] == ["costs.json", "treemap.svg"]
    (shown,), left_out = cost_tables.for_report(context)
    assert not left_out
    assert shown.areas[-1]["part"] == "all"
    assert shown.treemap.count("<rect") >= 4
    assert {row["quantity"]: row["ECON-T, after layout"] for row in shown.comparison}["area, mm2"] == "3.6"
    give_encoder(context, small_model(latents=3))
    shown_now, left_out = cost_tables.for_report(context)
    assert not shown_now, "costs of another encoder are not shown"
    assert left_out.endswith("costs.json is of another encoder; make it again with econ-ae costs.")


def test_the_report_needs_no_costs(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs made before the stage existed, or stage by stage, still get their report."""
    for stage in ("generate", "verify"):
        context.run.record(stage, context.run.inputs_of(context.run.earlier(stage)), [], 0.0)
    monkeypatch.setitem(pipeline.STAGES, "report", lambda _: [])
    pipeline.run_stage(context, "report", repeat=True)
    assert context.run.has("report")


@needs_yosys
@pytest.mark.simulator
def test_timing_and_power_in_a_library(context: Context, reference: Path) -> None:
    library = reference / "liberty" / "ihp_sg13g2_typ_1p20V_25C.lib.gz"
    content = costing.costs(context, liberty=library, block="datapath", power_events=64)
    assert content.power is not None
    power = content.power.measured
    assert 0 < power.total.leakage < power.total.total
    assert power.energy == pytest.approx(25e-9 * power.total.total)
    assert sum(row.total for row in power.rows) == pytest.approx(power.total.total)
    assert content.areas.um2_per_ge == 7.2576
    if content.timing is not None:
        assert content.timing.slack_ns == pytest.approx(25 - content.timing.delay_ns, abs=0.01)
    parts = {part.part for part in content.areas.parts}
    assert {"front end", "normaliser", "layer conv", "formatter"} <= parts
    assert {row.part for row in power.rows} <= parts, "area and power have the same parts"
    assert cost_tables.power_rows(content)[-1]["part"] == "total"
    assert costing.read(context.path("costs", "ihp_sg13g2_typ_1p20V_25C-datapath", "costs.json")) == content


BROKEN = {
    "cut.lib": ("library (x) { cell (INV) { area : 1;", "is no Liberty file"),
    "nand.lib": (
        "library (x) { cell (NAND2) { area : 1; pin (A) { direction : input; } pin (B) { direction : input; } "
        'pin (Y) { direction : output; function : "!(A&B)"; } } }',
        "has no D flip-flop",
    ),
    "text.lib": ("Dear reader,", "is no Liberty file"),
}


@needs_yosys
@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_library_is_one_line(name: str, context: Context, tmp_path: Path, command: Command) -> None:
    text, message = BROKEN[name]
    (tmp_path / name).write_text(text)
    code, _, err = command("costs", str(context.run.path), "--liberty", str(tmp_path / name))
    last = err.strip().splitlines()[-1]
    assert code == 2
    assert last.startswith("econ-ae: ")
    assert message in last
    assert "Traceback" not in err


@needs_yosys
def test_verilog_that_does_not_elaborate_names_the_log(tmp_path: Path) -> None:
    source = tmp_path / "broken.v"
    source.write_text("module broken (input a, output y); missing_module m (a, y); endmodule\n")
    with pytest.raises(ToolError, match=r"missing_module.*log: ") as caught:
        synthesise([source], "broken", tmp_path / "out")
    assert Path(str(caught.value).rpartition("log: ")[2]).is_file()


def test_without_yosys_the_main_job_goes_on(
    context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Command
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = command("costs", str(context.run.path))
    assert code == 2
    assert "yosys is not on the PATH; install it with: apt-get install yosys" in err
    (skipped,) = stage_costs.run(context)
    assert "apt-get install yosys" in json.loads(skipped.read_text())["skipped"]
    assert "yosys" in stage_costs.why_none(context)


def test_a_killed_yosys_is_one_line(
    context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Command
) -> None:
    fake = tmp_path / "yosys"
    fake.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Yosys 1 && exit\necho started\nkill -9 $$\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    code, _, err = command("costs", str(context.run.path))
    last = err.strip().splitlines()[-1]
    assert code == 2
    assert "yosys was killed by SIGKILL" in last
    assert Path(last.rpartition("log: ")[2]).read_text().startswith("started")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--block", "blok"),
            "block 'blok' is unknown; expected one of encoder, datapath, block, did you mean 'block'",
        ),
        (("--liberty", "none.lib"), "none.lib does not exist; expected a Liberty file"),
    ],
)
def test_bad_options(
    options: tuple[str, ...], message: str, context: Context, command: Command, tmp_path: Path
) -> None:
    code, _, err = command("costs", str(context.run.path), *options)
    assert code == 2
    assert message.split(", did", maxsplit=1)[0] in " ".join(err.split())
