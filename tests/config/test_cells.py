"""Encoders of cells that a configuration describes: modes by eLinks, neighbours, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from econ_ae import config
from econ_ae.config.cells_skeleton import neighbours
from econ_ae.config.skeleton import skeleton
from econ_ae.emulator import encode_pulses
from econ_ae.errors import ConfigError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel


def cells(**sections: dict[str, Any]) -> EncoderModel:
    raw: dict[str, dict[str, Any]] = {"encoder": {"family": "cells"}, "hardware": {"elinks": 2}}
    for name, changes in sections.items():
        raw[name] = raw.get(name, {}) | changes
    return skeleton(config.parse(raw, "test"), LOW_DENSITY)


@pytest.mark.parametrize(("elinks", "most"), [(2, 16), (3, 32), (4, 48), (5, 48)])
def test_modes_follow_the_frame(elinks: int, most: int) -> None:
    model = skeleton(config.load_preset(f"frontier-{elinks}elinks"), LOW_DENSITY)
    modes = model.cell_code.choose.modes
    assert [mode.cells for mode in modes] == list(range(1, most + 1))
    assert model.elinks == elinks
    assert max(mode.pulses for mode in modes) <= 1023
    assert {len(row) for row in model.cell_code.choose.bias} == {most}
    assert not any(any(row) for row in model.cell_code.choose.bias)


def test_settings_reach_the_model() -> None:
    model = cells(cells={"merge": False, "offset": 8, "fraction": 12, "classes": 2, "bias_bits": 10, "most_cells": 5})
    code = model.cell_code
    assert code.merge is None
    assert (code.apportion.offset, model.normalise.out.fraction, code.choose.bias_fraction) == (8, 12, 10)
    assert len(code.choose.bias) == 2
    assert code.choose.modes[-1].cells == 5
    assert encode_pulses(model, np.eye(48, dtype=np.int64)).exact.all()
    assert cells(cells={"classes": 1}).cell_code.choose.limits == ()


def test_neighbours_are_the_lattice() -> None:
    found = neighbours(LOW_DENSITY)
    assert max(map(len, found)) == 6
    assert all(cell in found[other] for cell, near in enumerate(found) for other in near)
    inner = next(cell for cell, near in enumerate(found) if len(near) == 6)
    steps = LOW_DENSITY.xy[list(found[inner])] - LOW_DENSITY.xy[inner]
    assert np.allclose(np.hypot(*steps.T), np.hypot(*steps[0]))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"hardware": {"elinks": None}}, "hardware.elinks is missing"),
        ({"encoder": {"input": "u1.8"}}, "encoder.input does not apply to encoder.family = 'cells'"),
        ({"hardware": {"keep": 3}}, "hardware.keep does not apply"),
        ({"training": {"prune": {"weights": 0.5}}}, "training.prune does not apply"),
        ({"training": {"loss": "pyramid"}}, "encoders of cells are trained with 'emd' alone"),
        ({"cells": {"most_cells": 49}}, "cells.most_cells is 49, of 48 trigger cells"),
        ({"cells": {"refits": 200}}, "cells.refits = 200 must be below training.epochs = 200"),
    ],
)
def test_what_does_not_fit_is_refused(sections: dict[str, dict[str, Any]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        cells(**sections)


def test_one_link_holds_only_few_cells() -> None:
    modes = cells(hardware={"elinks": 1}).cell_code.choose.modes
    assert [mode.cells for mode in modes] == [1, 2]
