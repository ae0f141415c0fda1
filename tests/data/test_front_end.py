"""Words read through the mux and the calibration of a register file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.stages import data as dataset_stage
from econ_ae.config import parse
from econ_ae.data.readers import read
from econ_ae.data.readers.front_end import read_front_end
from econ_ae.econt.config import Numbering
from econ_ae.econt.registers.read import read_config
from econ_ae.errors import DataError, RegisterError
from econ_ae.geometry import LOW_DENSITY


def test_charges_are_behind_mux_and_calibration(reference: Path) -> None:
    vectors = reference / "econt_vectors"
    registers = vectors / "AE_8x8_c8_S2_ele_qkeras" / "init.yaml"
    seen = read_front_end(vectors / "testInput.csv", registers, limit=50)
    plain = read(vectors / "testInput.csv", limit=50)
    config = read_config(registers).renumbered(Numbering.PRODUCTION)
    # Undo the reader's order of trigger cells, then go the chip's way by hand.
    by_word = np.empty_like(plain.charges)
    by_word[:, LOW_DENSITY.premux] = plain.charges
    expected = by_word[:, list(config.mux)].astype(np.int64) * np.array(config.calibration) >> 11
    np.testing.assert_array_equal(seen.charges, expected)
    np.testing.assert_array_equal(seen.metadata["bx"], plain.metadata["bx"])


def test_configuration_reads_through_registers(reference: Path) -> None:
    vectors = reference / "econt_vectors"
    registers = vectors / "AE_8x8_c8_S2_ele_qkeras" / "init.yaml"
    data = {"source": str(vectors / "testInput.csv"), "registers": str(registers), "train": "0:2400"}
    batch, rows = dataset_stage.read_data(parse({"data": data}, "test"), LOW_DENSITY)
    assert "init.yaml" in batch.provenance.steps[0]
    assert rows.report[0] == 2400


def test_bad_files(tmp_path: Path) -> None:
    words = tmp_path / "words.csv"
    words.write_text("1,2\n")
    registers = tmp_path / "registers.yaml"
    with pytest.raises(RegisterError, match=r"registers.yaml: cannot be read"):
        read_front_end(words, registers)
    registers.write_text("ECON-T: {}\n")
    with pytest.raises((DataError, RegisterError)):
        read_front_end(words, registers)
