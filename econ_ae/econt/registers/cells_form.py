"""The register file of a block that sends cells: limits, biases, mux, calibration and control, as YAML.

The file holds what is in registers and nothing else: how many limits and biases there are says the encoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from econ_ae.econt.registers.facts import FIELDS, Register
from econ_ae.econt.registers.read import load_tree
from econ_ae.econt.registers.tree import Tree, shortened
from econ_ae.errors import RegisterError
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate_cells import rule_errors

FORM = "cells-yaml"
_RULE = ("limits", "bias")
_SETTINGS = ("control", "mux", "calibration")
_CONTROL = ("enable", "refresh_disable")
_BIT = Register(0, 1, 1, 0)


@dataclass(frozen=True)
class CellRegisters:
    """What a block that sends cells has in registers.

    Parameters
    ----------
    limits : of the classes, in rising order
    bias : for every class one number per mode
    mux : input cell of every cell
    calibration : factor of every cell, 2048 = 1
    enable, refresh_disable : bits of the control register
    """

    limits: tuple[int, ...]
    bias: tuple[tuple[int, ...], ...]
    mux: tuple[int, ...]
    calibration: tuple[int, ...]
    enable: bool = False
    refresh_disable: bool = False

    @classmethod
    def of_model(cls, model: EncoderModel) -> CellRegisters:
        """Return the rule of a model, and the reset values of everything else."""
        choose, cells = model.cell_code.choose, model.input.cells
        factors = (FIELDS["calibration"].default,) * cells
        return cls(choose.limits, choose.bias, tuple(range(cells)), factors)

    def into(self, model: EncoderModel) -> EncoderModel:
        """Return a model with this rule; the rest is no part of an encoder."""
        return model.with_rule(self.limits, self.bias)

    def plain_settings(self) -> bool:
        """Tell whether mux, calibration and control have their reset values."""
        factors = (FIELDS["calibration"].default,) * len(self.calibration)
        plain = self.mux == tuple(range(len(self.mux))) and self.calibration == factors
        return plain and not (self.enable or self.refresh_disable)


def write_cells(registers: CellRegisters) -> str:
    """Return the register file."""
    tree = {
        "control": {name: int(getattr(registers, name)) for name in _CONTROL},
        "mux": list(registers.mux),
        "calibration": list(registers.calibration),
        "limits": list(registers.limits),
        "bias": [list(row) for row in registers.bias],
    }
    return yaml.dump(tree, sort_keys=False, width=120, default_flow_style=None)


def parse_cells(text: str, source: str, model: EncoderModel) -> CellRegisters:
    """Return the registers in a file's text; mux, calibration and control that are left out have reset values.

    Parameters
    ----------
    source : name of the file, for errors
    model : the encoder that the registers are for

    Raises
    ------
    RegisterError
        One line that names the file and the register: unknown, given twice, missing, of another number, out of range,
        limits that do not rise, or no YAML at all.
    """
    tree = load_tree(text, source)
    tree.check_keys((*_SETTINGS, *_RULE))
    for name in _RULE:
        if name not in tree.raw:
            raise tree.error(f"register {name} is missing; expected {' and '.join(_RULE)} (is the file truncated?)")
    cells, choose, plain = model.input.cells, model.cell_code.choose, CellRegisters.of_model(model)
    select = Register(0, 1, max(1, (cells - 1).bit_length()), 0, count=cells, high=cells - 1)
    factor = Register(0, 2, FIELDS["calibration"].bits, 0, count=cells)
    limit = Register(0, 1, cells.bit_length(), 0, count=len(choose.limits), low=1, high=cells)
    bias = Register(0, 1, choose.bias_fraction, 0, count=len(choose.modes))
    rows = tree.raw["bias"]
    if not isinstance(rows, list) or len(rows) != len(choose.bias):
        given = f"{len(rows)} lists" if isinstance(rows, list) else shortened(rows)
        raise tree.error(f"register bias has {given}; expected {len(choose.bias)}, a list for every class")
    found = CellRegisters(
        _listed(tree, "limits", limit),
        tuple(_listed(Tree(source, dict(enumerate(rows)), ("bias",)), c, bias) for c in range(len(rows))),
        _listed(tree, "mux", select) if "mux" in tree.raw else plain.mux,
        _listed(tree, "calibration", factor) if "calibration" in tree.raw else plain.calibration,
        **_control(tree),
    )
    wrong = rule_errors(found.into(model).cell_code.choose, cells)
    if wrong:
        raise tree.error("; ".join(wrong))
    return found


def _listed(tree: Tree, key: str | int, register: Register) -> tuple[int, ...]:
    """Return a list of registers; a mapping could leave some out."""
    values = tree.raw[key]
    if not isinstance(values, list) or len(values) != register.count:
        given = f"{len(values)} values" if isinstance(values, list) else shortened(values)
        raise tree.error(f"register {tree.name(key)} has {given}; expected a list of {register.count}")
    return tuple(tree.checked(value, register, tree.name(key, i)) for i, value in enumerate(values))


def _control(tree: Tree) -> dict[str, bool]:
    if "control" not in tree.raw:
        return {}
    control = tree.child("control")
    control.check_keys(_CONTROL)
    return {name: bool(control.number(name, _BIT)) for name in control.raw}


def wrong_form(form: str) -> RegisterError:
    """Return the error of a form that an encoder that sends cells does not have."""
    return RegisterError(
        f"form {form!r} is of encoders of the ECON-T's shape; expected {FORM} of an encoder that sends cells "
        "(its C header, SystemRDL and I2C bytes: econ-ae registers map)"
    )
