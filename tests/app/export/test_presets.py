"""Every export of a run of every preset: the networks are those of the presets, the training is of seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from econ_ae.app.export.networks import BOUND
from econ_ae.app.run.context import Context
from econ_ae.config import load_preset, presets
from tests.app.export.small_runs import trained
from tests.hls_toolchain import require_toolchain
from tests.required import require_onnx

Command = Callable[..., tuple[int, str, str]]
require_onnx()

_SHORT: dict[str, Any] = {"epochs": 1, "batch": 32, "steps": 4, "admixture": None, "distill": None, "prune": None}


def run_of(preset: str, folder: Path) -> Context:
    settings = load_preset(preset).model_dump(mode="json")
    settings["data"] |= {"events": 300, "source": "synthetic", "cms_events": {}}
    settings["training"] |= _SHORT
    settings["cells"] |= {"rule_events": 100, "steps": 4, "refits": 0}
    return trained(folder, settings)


@pytest.mark.slow
@pytest.mark.parametrize("preset", presets())
def test_every_export(preset: str, command: Command, tmp_path: Path) -> None:
    require_toolchain()
    run = run_of(preset, tmp_path / "run")
    for form in ("onnx", "savedmodel", "emulator", "triton"):
        arguments = ("export", str(run.run.path), "--format", form, "--out", str(tmp_path / form), "--json")
        code, printed, error = command(*arguments)
        assert code == 0, error
        row = json.loads(printed)[0]
        assert row["events"] > 20
        assert float(row["largest difference of a charge / module sum"]) <= BOUND
        wrong = row.get("frames that differ", row.get("latents that differ"))
        assert row["fractions that differ"] == 0
        no_encoder = form == "triton" or (run.model().sends_cells and form != "emulator")
        assert wrong == ("no graph" if no_encoder else 0)
