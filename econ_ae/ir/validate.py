"""Structural checks: collect every error of a model before anything is generated from it."""

from __future__ import annotations

import re

import numpy as np

from econ_ae.errors import ModelError
from econ_ae.ir.cells import Enumerate
from econ_ae.ir.model import CELLS_VERSION, SPEC_VERSION, Conv2D, Dense, EncoderModel, Exact, Pack, Requantise, Stage
from econ_ae.ir.ranges import accumulator_range
from econ_ae.ir.validate_cells import cell_errors

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
MAX_ELINKS = 13
_MAX_ACCUMULATOR = 60
_FLOAT32_INTEGERS = 1 << 24


def frame_capacity(elinks: int) -> int:
    """Latent bits that fit a frame: 18 + 32 (elinks - 1), at most 146 (ECON-T, spec 6.7)."""
    return min(18 + 32 * (elinks - 1), 146)


def least_elinks(bits: int) -> int:
    """Return the fewest eLinks whose frame holds ``bits`` latent bits; ModelError when none does."""
    for elinks in range(1, MAX_ELINKS + 1):
        if frame_capacity(elinks) >= bits:
            return elinks
    raise ModelError(
        f"{bits} latent bits; a frame carries at most {frame_capacity(MAX_ELINKS)}: use fewer latents or bits, "
        "or set the number of eLinks, and the leading bits that fit are sent"
    )


def keep_bits(latents: int, width: int, elinks: int) -> int:
    """Return how many leading bits of every latent fit a frame of ``elinks``; ModelError when not even one does."""
    bits = min(width, frame_capacity(elinks) // latents)
    if not bits:
        raise ModelError(
            f"{latents} latents do not fit {elinks} eLinks, whose frame carries {frame_capacity(elinks)} bits; "
            "use fewer latents or more eLinks"
        )
    return bits


def leading_mask(bits: int, width: int) -> int:
    """Return the keep mask of the ``bits`` most significant of ``width`` bits."""
    return ((1 << bits) - 1) << (width - bits)


def check_float32(model: EncoderModel) -> EncoderModel:
    """Return the model; ModelError when its sums could round in float32, so that training computes something else."""
    for stage in model.stages:
        low, high = accumulator_range(stage)
        if max(-low, high) >= _FLOAT32_INTEGERS:
            raise ModelError(
                f"{stage.layer.name}: sums reach {max(-low, high):.2e} steps, which float32 training cannot hold "
                f"exactly (2^24); use fewer inputs or bits"
            )
    return model


def errors(model: EncoderModel) -> list[str]:
    """Return every structural error, one sentence each; an empty list for a valid model."""
    found: list[str] = []
    version = CELLS_VERSION if model.sends_cells else SPEC_VERSION
    if model.spec_version != version:
        found.append(f"spec version must be {version}, not {model.spec_version}")
    names = [model.name, *(op.name for op in model.ops)]
    found += [f"name {n!r} must be lower-case letters, digits and _" for n in names if not _IDENTIFIER.fullmatch(n)]
    found += [f"name {n!r} is used {names.count(n)} times" for n in sorted(set(names)) if names.count(n) > 1]
    found += _input_errors(model)
    if model.sends_cells:
        return found + _of_cells(model)
    try:
        stages = model.stages
        pack = model.pack
    except ModelError as problem:
        return [*found, str(problem)]
    found += _normalise_errors(model)
    for stage in stages:
        found += _stage_errors(stage)
    if len(pack.keep) != model.latents:
        found.append(f"pack keeps {len(pack.keep)} latents, the model has {model.latents}")
    found += [
        f"pack mask {mask:#x} of latent {i} must fit {model.latent.width} bits"
        for i, mask in enumerate(pack.keep)
        if not 0 <= mask < 1 << model.latent.width
    ]
    return found + _elinks_errors(pack)


def check(model: EncoderModel) -> EncoderModel:
    """Return the model unchanged; ModelError that lists every structural error."""
    found = errors(model)
    if found:
        raise ModelError(f"encoder {model.name!r}: " + "; ".join(found))
    return model


def _of_cells(model: EncoderModel) -> list[str]:
    mixed = [op.name for op in model.ops if isinstance(op, Conv2D | Dense | Requantise | Pack)]
    found = [f"operations on cells cannot stand beside layers or their packing ({', '.join(mixed)})"] if mixed else []
    try:
        code, _ = model.cell_code, model.normalise
    except ModelError as problem:
        return [*found, str(problem)]
    wrong_elinks = _elinks_errors(code.enumerate)
    capacity = 0 if wrong_elinks else frame_capacity(code.enumerate.elinks)
    return [*_normalise_errors(model), *cell_errors(model, capacity), *wrong_elinks]


def _elinks_errors(op: Pack | Enumerate) -> list[str]:
    if 1 <= op.elinks <= MAX_ELINKS:
        return []
    return [f"{op.name} uses {op.elinks} eLinks; expected 1..{MAX_ELINKS}"]


def _input_errors(model: EncoderModel) -> list[str]:
    found: list[str] = []
    arrangement = model.input.arrangement
    pixels = arrangement.rows * arrangement.cols * arrangement.channels
    if len(arrangement.cells) != pixels:
        found.append(f"arrangement {arrangement.name} lists {len(arrangement.cells)} pixels, its shape has {pixels}")
    used = [c for c in arrangement.cells if c >= 0]
    if used and max(used) >= model.input.cells:
        found.append(f"arrangement {arrangement.name} uses cell {max(used)} of {model.input.cells}")
    if min(arrangement.cells, default=0) < -1:
        found.append(f"arrangement {arrangement.name} uses cell {min(arrangement.cells)}; an empty pixel is -1")
    if len(set(used)) != len(used):
        found.append(f"arrangement {arrangement.name} uses a cell twice")
    if model.input.charge.signed or model.input.charge.fraction:
        found.append(f"charges must be unsigned integers, not {model.input.charge}")
    return found


def _normalise_errors(model: EncoderModel) -> list[str]:
    """Find formats that ``(charge << fraction) >> shift`` cannot give in int64."""
    out, charge = model.normalise.out, model.input.charge
    if out.signed or out.fraction < 0:
        return [f"{model.normalise.name}: format must be unsigned with a fraction >= 0, not {out}"]
    if charge.width + out.fraction > _MAX_ACCUMULATOR:
        return [
            f"{model.normalise.name}: charges of {charge.width} bits with {out.fraction} fractional ones take "
            f"{charge.width + out.fraction} bits; at most {_MAX_ACCUMULATOR}"
        ]
    return []


def _stage_errors(stage: Stage) -> list[str]:
    layer, found = stage.layer, []
    for what, values, fmt in (
        ("weight", layer.kernel, layer.weight),
        ("bias", layer.bias, layer.bias_format),
    ):
        if values.dtype != np.int64:
            found.append(f"{layer.name}: {what}s must be int64, not {values.dtype}")
        elif values.size and not fmt.holds(int(values.min()), int(values.max())):
            found.append(f"{layer.name}: {what}s {values.min()}..{values.max()} do not fit {fmt}")
    if layer.bias.shape != layer.kernel.shape[-1:]:
        found.append(f"{layer.name}: {layer.bias.size} biases for {layer.kernel.shape[-1]} outputs")
    if isinstance(layer, Conv2D):
        if min(min(p) for p in layer.padding) < 0:
            found.append(f"{layer.name}: padding must be >= 0, not {layer.padding}")
        if min(stage.out_shape) < 1:
            found.append(f"{layer.name}: kernel {layer.kernel.shape[:2]} is larger than its input {stage.in_shape}")
    if stage.bias_shift < 0:
        found.append(f"{layer.name}: bias format {layer.bias_format} is finer than the accumulator")
    if stage.product_shift < 0:
        found.append(f"{layer.name}: trn_each({stage.accumulator_fraction}) is finer than a product")
    product = layer.weight.width + stage.in_format.width
    if product > _MAX_ACCUMULATOR:
        found.append(f"{layer.name}: products of {product} bits; at most {_MAX_ACCUMULATOR}")
    if not found:
        low, high = accumulator_range(stage)
        width = max(high.bit_length(), (-low - 1).bit_length()) + 1
        if width > _MAX_ACCUMULATOR:
            found.append(f"{layer.name}: accumulator of {width} bits; at most {_MAX_ACCUMULATOR}")
    return found + _requantise_errors(stage.requantise, stage)


def _requantise_errors(op: Requantise, stage: Stage) -> list[str]:
    found = []
    if op.out.fraction > stage.accumulator_fraction and not isinstance(stage.layer.accumulate, Exact):
        found.append(f"{op.name}: {op.out} is finer than the truncated accumulator")
    if not op.relu and not op.out.signed:
        found.append(f"{op.name}: without relu the format must be signed, not {op.out}")
    return found
