"""Weights from a register file, or from any form that ``export`` writes, as an EncoderModel."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.econt.autoencoder import encoder_model, template
from econ_ae.econt.config import WEIGHT_BYTES, Algorithm, EcontConfig
from econ_ae.econt.registers.cells_form import FORM, CellRegisters, parse_cells, wrong_form
from econ_ae.econt.registers.dense_order import FINDING_IN_OUT, judge
from econ_ae.econt.registers.export import FORMS, JSON_FORMAT
from econ_ae.econt.registers.read import parse_config
from econ_ae.econt.registers.weight_blocks import weight_registers
from econ_ae.errors import RegisterError, did_you_mean
from econ_ae.files import read_text
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.weights import flat_kernel, pack

_ORDERS = ("out-in", "in-out")
_C_ROW = re.compile(r"\{\s*0x([0-9a-fA-F]+)\s*,\s*(\d+)\s*,\s*\{([^}]*)\}\s*\}")
_BYTE = re.compile(r"(0[xX])?[0-9a-fA-F]{1,2}")


@dataclass(frozen=True, eq=False)
class Imported:
    """An encoder read from a file.

    Attributes
    ----------
    model : the encoder; its input cells are the chip's inputs behind the mux
    config : all registers, with the file's weights as they are packed there
    messages : warnings, one sentence each
    """

    model: EncoderModel
    config: EcontConfig
    messages: tuple[str, ...]


def import_weights(path: Path, form: str | None = None, dense_order: str = "out-in") -> Imported:
    """Return the encoder in a register file or exported weight file.

    Parameters
    ----------
    path : the file
    form : one of ``FORMS``; taken from the file's content when None
    dense_order : ``out-in`` reads the dense kernel as the chip does; ``in-out`` undoes the packing of the published
        files, whose kernels are input-major (spec 7), and gives the model that was trained, not what that chip computes

    Raises
    ------
    RegisterError
        One line that names the file and the register, line or number that is wrong.
    """
    if dense_order not in _ORDERS:
        raise RegisterError(f"dense order {dense_order!r} is unknown; expected out-in or in-out")
    text = read_text(path, RegisterError, f"one of {', '.join(FORMS)}")
    kind = _guess(text) if form is None else form
    if kind not in (*FORMS, FORM):
        raise RegisterError(f"form {kind!r} is unknown; expected one of {', '.join(FORMS)}{did_you_mean(kind, FORMS)}")
    if kind == FORM:
        raise RegisterError(f"{path}: holds limits and biases of an encoder that sends cells; say of which: --into RUN")
    if kind == "econt-yaml":
        config = parse_config(text, str(path))
        if "weights" not in config.given:
            raise RegisterError(f"{path}: holds no autoencoder weights; expected the Encoder or AUTOENCODER blocks")
    else:
        config = EcontConfig(algorithm=Algorithm.AUTOENCODER, elinks=5, weights=_READERS[kind](text, str(path)))
    return _imported(config, dense_order)


def import_cells(path: Path, model: EncoderModel) -> CellRegisters:
    """Return the registers in a file that ``export`` wrote of an encoder that sends cells.

    Parameters
    ----------
    model : the encoder that they are for

    Raises
    ------
    RegisterError
        As ``import_weights``.
    """
    text = read_text(path, RegisterError, f"the form {FORM}")
    kind = _guess(text)
    if kind not in {FORM, "econt-yaml"}:
        raise wrong_form(kind)
    return parse_cells(text, str(path), model)


def _imported(config: EcontConfig, dense_order: str) -> Imported:
    model = encoder_model(config)
    packed = flat_kernel(model.layers[1])
    verdict = judge(packed)
    messages: tuple[str, ...] = ()
    if dense_order == "in-out":
        conv, dense = model.layers
        kernel = packed.reshape(dense.kernel.shape).copy()
        model = model.with_weights({conv.name: (conv.kernel, conv.bias), dense.name: (kernel, dense.bias)})
    elif verdict.finding == FINDING_IN_OUT:
        messages = (
            "the dense kernel looks scrambled: packed [input][output] where the chip reads [output][input] "
            f"({verdict.sigmas:.1f} sigma); the published files are. The model computes what a chip with this file "
            "computes; read it with dense order in-out for the weights that were trained",
        )
    return Imported(model, config, messages)


def _guess(text: str) -> str:
    start = text.lstrip()
    if start.startswith("{"):
        return "json"
    if start.startswith(("/*", "#ifndef", "#include")):
        return "c-header"
    if start.startswith("@"):
        return "hex"
    if re.search(r"^\s*w\s+0x", text, re.MULTILINE):
        return "i2c-script"
    return FORM if re.search(r"^(limits|bias):", text, re.MULTILINE) else "econt-yaml"


def _bytes(words: list[str], where: str) -> bytes:
    for word in words:
        if not _BYTE.fullmatch(word):
            raise RegisterError(f"{where} has {word[:60]!r}; expected bytes of two hexadecimal digits, 00..ff")
    return bytes(int(word, 16) for word in words)


def _from_registers(writes: dict[int, bytes], source: str) -> bytes:
    image = b""
    for r in weight_registers():
        data = writes.pop(r.address, None)
        if data is None:
            raise RegisterError(f"{source}: register {r.name} of block {r.block} (0x{r.address:04x}) is missing")
        if len(data) != r.size:
            raise RegisterError(
                f"{source}: register {r.name} of block {r.block} (0x{r.address:04x}) has {len(data)} bytes; "
                f"expected {r.size}"
            )
        image += data
    if writes:
        raise RegisterError(f"{source}: address 0x{min(writes):04x} is no weight register")
    return image


def _i2c_script(text: str, source: str) -> bytes:
    writes: dict[int, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"{source}: line {number}"
        if words[0] != "w" or len(words) < 3 or not re.fullmatch(r"0x[0-9a-fA-F]+", words[1]):
            raise RegisterError(f"{where}: expected 'w 0xADDRESS BYTE...', got {line.strip()[:60]!r}")
        address = int(words[1], 16)
        if address in writes:
            raise RegisterError(f"{where}: register 0x{address:04x} is given twice")
        writes[address] = _bytes(words[2:], where)
    return _from_registers(writes, source)


def _c_header(text: str, source: str) -> bytes:
    writes: dict[int, bytes] = {}
    for match in _C_ROW.finditer(text):
        address = int(match[1], 16)
        where = f"{source}: register 0x{address:04x}"
        if address in writes:
            raise RegisterError(f"{where} is given twice")
        writes[address] = _bytes([word.strip() for word in match[3].split(",")], where)
        if len(writes[address]) != int(match[2]):
            raise RegisterError(f"{where} has {len(writes[address])} bytes; its size says {match[2]}")
    return _from_registers(writes, source)


def _hex(text: str, source: str) -> bytes:
    image = b""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("//")[0].split()
        where = f"{source}: line {number}"
        if words and words[0].startswith("@"):
            if _address(words[0], where) != len(image):
                raise RegisterError(f"{where}: address {words[0]} after {len(image)} bytes; expected @{len(image):04x}")
            words = words[1:]
        image += _bytes(words, where)
    if len(image) != WEIGHT_BYTES:
        raise RegisterError(f"{source}: {len(image)} bytes of weights; expected {WEIGHT_BYTES}")
    return image


def _address(word: str, where: str) -> int:
    if not re.fullmatch(r"@[0-9a-fA-F]+", word):
        raise RegisterError(f"{where}: {word!r} is no address; expected for example @0010")
    return int(word[1:], 16)


def _json(text: str, source: str) -> bytes:
    try:
        raw: Any = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as problem:
        raise RegisterError(f"{source}: no valid JSON in line {problem.lineno} ({problem.msg})") from problem
    except RegisterError as problem:
        raise RegisterError(f"{source}: {problem}") from problem
    if not isinstance(raw, dict) or raw.get("format") != JSON_FORMAT:
        raise RegisterError(f"{source}: expected an object with format {JSON_FORMAT!r}")
    model = template()
    weights = {}
    for layer in model.layers:
        kernel = _numbers(raw, f"{layer.name}_kernel", layer.kernel.size, source)
        bias = _numbers(raw, f"{layer.name}_bias", layer.bias.size, source)
        shape = layer.kernel.shape
        weights[layer.name] = (kernel.reshape(shape) if len(shape) == 4 else kernel.reshape(shape[::-1]).T.copy(), bias)
    return pack(model.with_weights(weights))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise RegisterError(f"{key} is given twice")
    return dict(pairs)


def _numbers(raw: dict[str, Any], key: str, count: int, source: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    values = raw.get(key)
    if not isinstance(values, list) or len(values) != count:
        size = f"{len(values)} numbers" if isinstance(values, list) else "no list"
        raise RegisterError(f"{source}: {key} is {size}; expected {count}")
    fmt = template().layers[0].weight
    for i, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int) or not fmt.min <= value <= fmt.max:
            raise RegisterError(f"{source}: {key} number {i} is {value!r}; expected {fmt.min}..{fmt.max} (6 bits)")
    return np.array(values, dtype=np.int64)


_READERS: dict[str, Callable[[str, str], bytes]] = {
    "i2c-script": _i2c_script,
    "c-header": _c_header,
    "hex": _hex,
    "json": _json,
}
