"""What CMSSW's class cannot carry is refused with the reason, and no package is replaced unasked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from econ_ae.app.export.cmssw import check, expected, write
from econ_ae.app.export.cmssw.plan import bits_per_link, kept_bits, plan_of_pairs
from econ_ae.app.export.cmssw.target import CMS_SW, FORK
from econ_ae.app.run.context import Context
from econ_ae.config import parse
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError, ModelError, VerificationError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import Pack
from econ_ae.progress import Silent
from tests.app.export.made import made
from tests.untrained import untrained

Run = Callable[[str], Context]


@pytest.mark.parametrize(
    "case",
    [
        (
            "knowing",
            "cms-sw",
            {},
            "its decoder knows layer, thickness, eta, log_sum, v, u, the module sum, and the rele",
        ),
        (
            "many",
            "fork",
            {"encoder": {"dense": [{"units": 17}]}, "hardware": {"elinks": 5}},
            "sends 17 latents; CMSSW's class holds 16",
        ),
        ("fine", "fork", {"encoder": {"input": "u1.8"}}, "its inputs have 8 fractional bits; CMSSW's class gives 7"),
        ("chip", "cmssw", {}, "target 'cmssw' is unknown; expected cms-sw or fork; did you mean 'cms-sw'"),
    ],
)
def test_what_the_class_cannot_carry_is_refused(
    case: tuple[str, str, Any, str], run: Run, command: Any, tmp_path: Path
) -> None:
    name, target, changes, message = case
    path = run(name).run.path if not changes else made(tmp_path / "run", name, **changes).run.path
    out = tmp_path / "out"
    code, text, error = command("export", str(path), "--format", "cmssw", "--target", target, "--out", str(out))
    assert (code, text, len(error.strip().splitlines())) == (2, "", 1), error
    assert message in error
    assert not out.exists()


def test_other_masks_and_encoders_of_cells_are_refused(run: Run) -> None:
    model = run("chip").model()
    odd = replace(model, ops=(*model.ops[:-1], Pack((0b000011111,) * 16, 5)))
    with pytest.raises(ModelError, match=r"latent 0 is sent with mask 0x1f, and CMSSW's class cuts trailing bits"):
        kept_bits(odd, "run")
    lost = replace(model, ops=(*model.ops[:-1], Pack((0b111111111,) * 16, 2)))
    with pytest.raises(ModelError, match=r"keeps 144 bits and its frame carries 50"):
        kept_bits(lost, "run")
    with pytest.raises(ModelError, match=r"keeps at least 2 of one"):
        bits_per_link(replace(model.latent, signed=True), (1,) * 16, "run")
    with pytest.raises(ConfigError, match=r"one has 3, two has 3 eLinks: CMSSW chooses the graph by the number of lin"):
        plan_of_pairs("two", FORK, {"one": run("chip"), "two": run("chip")}, "test")
    with pytest.raises(ConfigError, match=r"images 4x4x3, 8x8x1; CMSSW has one encoderShape"):
        plan_of_pairs("two", CMS_SW, {"one": run("chip"), "two": run("paper")}, "test")


def test_cells_are_refused(command: Any, tmp_path: Path) -> None:
    config = parse({"encoder": {"family": "cells"}, "hardware": {"elinks": 3}}, "test")
    made_of_cells = untrained(tmp_path / "run", skeleton(config, LOW_DENSITY), config, events=20)
    out = ("--out", str(tmp_path / "out"))
    code, _, error = command("export", str(made_of_cells.run.path), "--format", "cmssw", *out)
    assert (code, len(error.splitlines())) == (2, 1)
    assert "sends cells as pulses, not latents; CMSSW's class has no place for them. the emulator library" in error


def test_a_package_is_never_replaced_unasked(run: Run, command: Any, tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "out"
    arguments = ("export", str(run("chip").run.path), "--format", "cmssw", "--out", str(out))
    assert command(*arguments)[0] == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    code, _, error = command(*arguments)
    assert (code, error) == (2, f"econ-ae: {out} exists; give --overwrite to replace it, or another --out\n")
    monkeypatch.setattr(expected, "BOUND", -1.0)
    monkeypatch.setattr(check.Compared, "why", property(lambda _: "made to fail"))
    with pytest.raises(VerificationError, match="made to fail"):
        write.export(run("chip").run.path, "fork", out, Silent(), overwrite=True)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert command(*arguments, "--overwrite", "--target", "cms-sw")[0] == 0
    assert json.loads((out / "export.json").read_text())["target"] == "cms-sw"
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("x")
    code, _, error = command(*arguments[:-1], str(other), "--overwrite")
    assert (code, "holds something else than an export; it is not replaced" in error) == (2, True)
