"""One form of costs from the synthesis to the page: commands in any order, old files, other texts, a netlist cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from econ_ae.app import cost_tables, costing, netlist
from econ_ae.app.costed import BLOCK, ENCODER, design
from econ_ae.app.run.context import Context
from econ_ae.errors import RunDirectoryError, VerificationError
from econ_ae.files import write_json, write_text
from metrics.baselines import Reconstruction
from rtl_gen.costs import Costs, recipe
from rtl_gen.costs.library import generic
from rtl_gen.costs.synthesis import scripts, synth
from rtl_gen.verilog import SUM, generate
from rtl_gen.writer import write_files
from tests.costs.small import Command, needs_yosys, small_model
from tests.untrained import give_encoder

NANGATE = "nangate45_typ.lib.gz"


def finish(context: Context, *, leaf: str | None = None) -> None:
    """Put files and records of a finished main job around a small encoder; its Verilog is written with a leaf."""
    write_json(context.path("training", "history.json"), [{"loss": 1, "validation_loss": 1, "learning_rate": 1}])
    verification = {"events": 77, "real_events": 50, "mismatches": 0, "latency": 2}
    write_json(context.path("verify", "verification.json"), verification)
    made = design(context.config, context.model(), ENCODER)
    options = made.options if leaf is None else replace(made.options, leaf=leaf)
    files = write_files(generate(made.model, options), context.path("rtl"), overwrite=True)
    for stage in ("generate", "verify"):
        inputs = context.run.inputs_of(context.run.earlier(stage))
        context.run.record(stage, inputs, files if stage == "generate" else [], 0.0)


@needs_yosys
@pytest.mark.simulator
def test_costs_power_and_report_in_turn(
    context: Context, reference: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_encoder(context, small_model(latents=1))
    finish(context, leaf=SUM)

    def flat(_context: Context, model: Any, batch: Any) -> Reconstruction:
        return Reconstruction("autoencoder", "", model.pack.elinks, model.pack.bits, batch.charges.astype(float), 64)

    monkeypatch.setattr("econ_ae.app.stages.report.reconstruct", flat)
    library = ("--liberty", str(reference / "liberty" / NANGATE))
    run = str(context.run.path)
    file = context.path("costs", "nangate45_typ-block", costing.FILE)
    for arguments in (("costs", run, "--block", "encoder"), ("power", run, *library, "--events", "40")):
        code, _, err = command(*arguments)
        assert code == 0, err
    written = costing.read(file)
    assert written.power is not None
    assert written.power.events == written.simulated == 40
    code, _, err = command("report", run)
    assert code == 0, err
    page = " ".join(context.path("report", "index.html").read_text().split())
    assert "Complete block with its registers behind I2C, cells of NangateOpenCellLibrary" in page
    assert "Encoder, estimate in gate equivalents" in page
    assert f"power on 40 report events: {1e3 * written.power.measured.total.total:.1f} mW" in page
    assert "the text in rtl/ that the bench verified is another one" in page


def test_costs_of_other_versions_are_left_out_with_a_sentence(context: Context) -> None:
    old = {"library": "x", "technology_independent": False, "power": {"stage": "before layout", "total_mW": 1.0}}
    write_json(context.path("costs", "x-block", costing.FILE), old)
    write_text(context.path("costs", "y-block", costing.FILE), "{")
    shown, left_out = cost_tables.for_report(context)
    assert not shown
    assert "x-block/costs.json holds no costs that this version reads (origin: " in left_out
    assert "y-block/costs.json holds no costs that this version reads (the file: " in left_out
    assert left_out.count("make them again with econ-ae costs") == 2


@needs_yosys
def test_which_text_and_whether_it_was_verified(context: Context) -> None:
    costs = costing.costs(context, block="encoder")
    assert costs.simulated == 60, "all report events of this small set"
    assert costs.origin.leaf == "structural"
    written = sorted(context.path("costs", "generic-encoder", "rtl").glob("*.v"))
    texts = json.dumps([(path.name, path.read_text()) for path in written])
    assert costs.origin.verilog_sha256 == hashlib.sha256(texts.encode()).hexdigest()
    simulated = "The netlist made of it equals the emulator on 60 report events."
    never = cost_tables.text_of(context, costs)
    assert "arithmetic leaf structural, synthesised by Yosys" in never
    assert never.endswith(simulated)
    assert "rtl/" not in never
    finish(context, leaf=SUM)
    other = cost_tables.text_of(context, costs)
    assert "the text in rtl/ that the bench verified is another one" in other
    assert f"(sha256 {costing.verified_sha256(context)[:12]}...)" in other
    assert other.endswith(simulated)
    apart = {"verilog_sha256": costs.origin.verilog_sha256, "passed": False}
    for passed in (False, True):
        write_json(context.path("verify", "structural", "leaf.json"), apart | {"passed": passed})
        assert ("every sum of this text was compared" in cost_tables.text_of(context, costs)) == passed
    context.path("verify", "structural", "leaf.json").unlink()
    unchecked = cost_tables.text_of(context, replace(costs, simulated=0))
    assert unchecked.endswith("It was not simulated itself; econ-ae verify --suite netlist does that.")
    finish(context)
    same = cost_tables.text_of(context, costs)
    assert costing.verified_sha256(context) == costs.origin.verilog_sha256
    assert "it is the text in rtl/, which was compared with the emulator on 77 events" in same


@needs_yosys
def test_a_netlist_that_computes_something_else_stops_the_costs(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = costing.mapped

    def damaged(folder: Path, *given: Any) -> Any:
        file = folder / "netlist.json"
        file.write_text(file.read_text().replace('"NAND2"', '"NOR2"'))
        return whole(folder, *given)

    monkeypatch.setattr(costing, "mapped", damaged)
    with pytest.raises(VerificationError, match=r"events of small_encoder are wrong: run "):
        costing.costs(context, block="encoder")
    assert not context.path("costs", "generic-encoder", costing.FILE).exists()


@needs_yosys
def test_the_netlist_is_made_again_when_anything_changed(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []

    def synthesised(_context: Context, *, liberty: Path | None, clock_ns: float, power_events: int) -> None:
        made.append(clock_ns)
        encoder = costing.read(context.path("costs", "generic-encoder", costing.FILE))
        one = design(context.config, context.model(), BLOCK)
        folder = costing.folder_of(context, liberty, BLOCK)
        origin = costing.origin_of(one, recipe(folder, liberty, clock_ns=clock_ns))
        write_text(folder / costing.FILE, replace(encoder, origin=origin).to_json())
        write_text(folder / "netlist.json", "{}")

    costing.costs(context, block="encoder")
    monkeypatch.setattr(costing, "costs", synthesised)

    def times(clock_ns: float | None) -> int:
        before = len(made)
        netlist.mapped_netlist(context, None, clock_ns)
        return len(made) - before

    assert [times(None), times(None), times(25.0)] == [1, 0, 0]
    assert [times(10.0), times(None), times(10.0), times(25.0)] == [1, 0, 0, 1]
    assert made == [25.0, 10.0, 25.0]
    cells = generic.liberty().replace("6.6667", "6.7")
    for change in (
        lambda: monkeypatch.setattr(scripts, "ABC_UNSIZED", scripts.ABC_UNSIZED + "topo\n"),
        lambda: monkeypatch.setattr(scripts, "MAP", scripts.MAP + "opt_clean\n"),
        lambda: monkeypatch.setattr(synth, "version", lambda *_: "Yosys 99"),
        lambda: monkeypatch.setattr(generic, "liberty", lambda: cells),
        lambda: context.path("costs", "generic-block", "netlist.json").unlink(),
        lambda: context.path("costs", "generic-block", costing.FILE).write_text("{}"),
    ):
        change()
        assert [times(None), times(None)] == [1, 0]


def test_folders_of_libraries_do_not_collide() -> None:
    names = ("x_1.20V.lib", "x_1.32V.lib.gz", "x_1p20V.lib", "x_1p20V_25C.lib.gz", "x.typ.lib", "x")
    found = [costing.library_name(Path(name)) for name in names]
    assert found == ["x_1.20V", "x_1.32V", "x_1p20V", "x_1p20V_25C", "x.typ", "x"]


@needs_yosys
def test_json_gives_back_the_same_costs(context: Context) -> None:
    costs = costing.costs(context, block="encoder")
    assert Costs.from_json(costs.to_json(), "here") == costs
    raw = json.loads(costs.to_json())
    changes: dict[str, Callable[[], Any]] = {
        "areas.parts": lambda: raw["areas"].pop("parts"),
        "simulated": lambda: raw.update(simulated="many"),
    }
    for place, change in changes.items():
        raw = json.loads(costs.to_json())
        change()
        with pytest.raises(RunDirectoryError, match=rf"^here holds no costs that this version reads \({place}: "):
            Costs.from_json(json.dumps(raw), "here")
