"""Register files of encoders that send cells: out and back to the identical model, and every mistake in one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from econ_ae.app.run.context import Context
from econ_ae.config import parse
from econ_ae.config.skeleton import skeleton
from econ_ae.econt.registers.cells_form import CellRegisters, parse_cells, write_cells
from econ_ae.econt.registers.export import FORMS, export
from econ_ae.econt.registers.import_weights import import_cells, import_weights
from econ_ae.errors import RegisterError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel
from rtl_gen.registers import address_map
from tests.random_cells import random_cell_model
from tests.untrained import untrained

Command = Callable[..., tuple[int, str, str]]

SETTINGS = {
    "name": "cells",
    "encoder": {"family": "cells"},
    "cells": {"most_cells": 4, "classes": 3, "bias_bits": 6},
    "hardware": {"elinks": 2},
}


def encoder(bias: int = 0) -> EncoderModel:
    """48 cells, four modes, three classes; biases that count on from a number."""
    rows = tuple(tuple(bias + 4 * c + m for m in range(4)) for c in range(3))
    return skeleton(parse(SETTINGS, "test"), LOW_DENSITY).with_rule((7, 20 + bias), rows)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    path = tmp_path_factory.mktemp("registers") / "run"
    return untrained(path, encoder(), parse(SETTINGS, "test"), events=20)


@pytest.mark.parametrize("seed", range(12))
def test_any_rule_comes_back(seed: int) -> None:
    model = random_cell_model(seed)
    choose = model.cell_code.choose
    empty = model.with_rule(range(1, len(choose.limits) + 1), [[0] * len(choose.modes)] * len(choose.bias))
    found = parse_cells(export(model), "file", empty)
    assert found == CellRegisters.of_model(model)
    assert codec.sha256(found.into(empty)) == codec.sha256(model)
    assert export(found.into(empty), "cells-yaml") == export(model)


def test_reset_values_are_those_of_the_map() -> None:
    model = encoder()
    layout, plain = address_map(model), CellRegisters.of_model(model)
    assert layout.register("mux").resets == plain.mux
    assert layout.register("calibration").resets == plain.calibration
    assert layout.register("control").resets == (plain.enable | plain.refresh_disable << 1,)
    only_rule = "limits: [7, 20]\nbias: [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]\n"
    assert parse_cells(only_rule, "file", model) == plain


def test_commands_export_and_import(context: Context, command: Command, tmp_path: Path) -> None:
    run, file, out = str(context.run.path), tmp_path / "other.yaml", tmp_path / "encoder.json"
    file.write_text(export(encoder(bias=5)))
    assert command("registers", "import", str(file), "--into", run, "--out", str(out), "-q") == (0, "", "")
    assert codec.sha256(codec.loads(out.read_text())) == codec.sha256(encoder(bias=5))
    code, text, error = command("registers", "export", run)
    assert (code, error) == (0, "")
    file.write_text(text)
    code, text, error = command("registers", "import", str(file), "--into", run)
    assert (code, error) == (0, "")
    assert codec.loads(text).provenance == context.model().provenance
    assert codec.sha256(codec.loads(text)) == codec.sha256(context.model())


def test_every_form_of_the_map(context: Context, command: Command) -> None:
    run, image = str(context.run.path), weights.pack(context.model())
    for form, what in (
        ("markdown", "| `weights_0["),
        ("systemrdl", "weights_0"),
        ("c-header", "#define CELLS_WEIGHT_BITS 84"),
        ("i2c-weights", f"S 40 04 50 {image.hex(' ')} P"),
    ):
        code, text, _ = command("registers", "map", run, "--format", form)
        assert code == 0
        assert what in text


def test_settings_of_a_file_are_written_over_i2c(context: Context, command: Command, tmp_path: Path) -> None:
    """Mux, calibration, the rule and control, one transaction; importing says that they are no part of an encoder."""
    plain = CellRegisters.of_model(context.model())
    changed = replace(plain, mux=plain.mux[::-1], calibration=(0x123,) * 48, limits=(1, 48), enable=True)
    file = tmp_path / "board.yaml"
    file.write_text(write_cells(changed))
    run = str(context.run.path)
    code, text, error = command("registers", "map", run, "--format", "i2c-weights", "--registers", str(file))
    assert (code, error) == (0, "")
    image = weights.pack(changed.into(context.model()))
    lines = [line.split() for line in text.splitlines() if line.startswith("S")]
    written = {int("".join(words[2:4]), 16): bytes.fromhex("".join(words[4:]).rstrip("P")) for words in lines}
    layout = address_map(context.model())
    assert written == {
        layout.register("mux").address: bytes(range(47, -1, -1)),
        layout.register("calibration").address: b"\x23\x01" * 48,
        layout.register("weights_0").address: image,
        layout.register("control").address: b"\x01",
    }
    code, text, error = command("registers", "import", str(file), "--into", run)
    assert code == 0
    assert "mux, calibration and control of the file are no part of an encoder" in error
    assert codec.loads(text).cell_code.choose.limits == (1, 48)


CASES = [
    (lambda t: t | {"limits": [20, 7]}, "choose: limits must rise within 1..48, not 20, 7"),
    (lambda t: t | {"limits": [7, 7]}, "choose: limits must rise within 1..48, not 7, 7"),
    (lambda t: t | {"limits": [0, 7]}, "register limits 0 is 0; expected 1..48"),
    (lambda t: t | {"limits": [7, 49]}, "register limits 1 is 49; expected 1..48"),
    (lambda t: t | {"limits": [7]}, "register limits has 1 values; expected a list of 2"),
    (lambda t: t | {"limits": {0: 7, 1: 20}}, "register limits has {0: 7, 1: 20}; expected a list of 2"),
    (lambda t: t | {"limits": [7, None]}, "register limits 1 has no value (is the file truncated?)"),
    (lambda t: t | {"limits": [7, True]}, "register limits 1 has True; expected an integer 1..48"),
    (lambda t: t | {"bias": [[0] * 4] * 2}, "register bias has 2 lists; expected 3, a list for every class"),
    (lambda t: t | {"bias": None}, "register bias has None; expected 3, a list for every class"),
    (lambda t: t | {"bias": [[0] * 4, [0] * 5, [0] * 4]}, "register bias 1 has 5 values; expected a list of 4"),
    (lambda t: t | {"bias": [[0] * 4, 3, [0] * 4]}, "register bias 1 has 3; expected a list of 4"),
    (lambda t: t | {"bias": [[0, 64, 0, 0], [0] * 4, [0] * 4]}, "register bias 0 1 is 64; expected 0..63"),
    (lambda t: t | {"bias": [[0] * 4, [0] * 4, [0, 0, 0, -1]]}, "register bias 2 3 is -1; expected 0..63"),
    (lambda t: t | {"bias": [[0.5] * 4, [0] * 4, [0] * 4]}, "register bias 0 0 has 0.5; expected an integer 0..63"),
    (lambda t: t | {"mux": [0] * 47}, "register mux has 47 values; expected a list of 48"),
    (lambda t: t | {"mux": [48] * 48}, "register mux 0 is 48; expected 0..47"),
    (lambda t: t | {"calibration": [4096] * 48}, "register calibration 0 is 4096; expected 0..4095"),
    (lambda t: t | {"control": {"enable": 2}}, "register control enable is 2; expected 0..1"),
    (lambda t: t | {"control": {"crc_start": 1}}, "unknown register 'control crc_start'; expected enable"),
    (lambda t: t | {"control": None}, "register block 'control' holds nothing; expected a mapping"),
    (lambda t: t | {"limts": [7, 20]}, "did you mean 'limits'?"),
    (lambda t: t | {"weights": []}, "unknown register 'weights'; expected control, mux, calibration, limits, bias"),
    (lambda t: {k: v for k, v in t.items() if k != "limits"}, "register limits is missing; expected limits and bias"),
    (lambda t: {k: v for k, v in t.items() if k != "bias"}, "register bias is missing; expected limits and bias"),
    (lambda _: [1, 2], "expected a mapping of register blocks, got list"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), CASES, ids=[message[:45] for _, message in CASES])
def test_mistakes_are_one_line(
    change: Callable[[dict[str, object]], object], message: str, context: Context, command: Command, tmp_path: Path
) -> None:
    file = tmp_path / "registers.yaml"
    file.write_text(yaml.dump(change(yaml.safe_load(export(context.model())))))
    code, out, error = command("registers", "import", str(file), "--into", str(context.run.path))
    assert (code, out, len(error.splitlines())) == (2, "", 1)
    assert message in error
    assert str(file) in error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limits: [7, 20]\nlimits: [7, 20]\n", "register 'limits' is given twice, in lines 1 and 2"),
        ("limits: [7, 20\n", "no valid YAML"),
        ("@0000 01\n", "form 'hex' is of encoders of the ECON-T's shape; expected cells-yaml"),
    ],
)
def test_texts_that_are_no_register_file(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "registers"
    file.write_text(text)
    with pytest.raises(RegisterError) as caught:
        import_cells(file, encoder())
    assert message in str(caught.value)


def test_forms_of_another_family(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    for form in FORMS:
        with pytest.raises(RegisterError, match=f"form '{form}' is of encoders of the ECON-T's shape"):
            export(encoder(), form)
    with pytest.raises(RegisterError, match="econ_t sends latents, not cells; expected one of econt-yaml"):
        export(econ_t_model, "cells-yaml")
    with pytest.raises(RegisterError, match="did you mean 'cells-yaml'"):
        export(encoder(), "cell-yaml")
    file = tmp_path / "cells.yaml"
    file.write_text(export(encoder()))
    with pytest.raises(
        RegisterError, match="holds limits and biases of an encoder that sends cells; say of which: --into RUN"
    ):
        import_weights(file)


def test_commands_that_do_not_go_together(
    context: Context, econ_t_model: EncoderModel, command: Command, tmp_path: Path
) -> None:
    layers = untrained(tmp_path / "layers", econ_t_model, events=20)
    file = tmp_path / "cells.yaml"
    file.write_text(export(encoder()))
    for arguments, message in (
        (("import", str(file), "--into", str(layers.run.path)), "has an encoder of layers"),
        (("map", str(context.run.path), "--registers", str(file)), "--registers goes with --format i2c-weights"),
        (
            ("map", str(layers.run.path), "--format", "i2c-weights", "--registers", str(file)),
            "--registers takes the cells-yaml of an encoder that sends cells; econ_t sends latents",
        ),
        (("import", str(tmp_path / "none"), "--into", str(context.run.path)), "cannot be read: No such file"),
    ):
        code, out, error = command("registers", *arguments)
        assert (code, out, len(error.splitlines())) == (2, "", 1)
        assert message in error
