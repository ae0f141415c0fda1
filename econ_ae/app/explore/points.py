"""A draw as a point: its settings, what is known of it before any training, and whether that is allowed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from econ_ae.app import judge
from econ_ae.app.area_model import estimate
from econ_ae.app.costed import BLOCK, options_of
from econ_ae.config import RunConfig
from econ_ae.config.explore import ExploreConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.errors import ConfigError, ModelError, RegisterError, one_line
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity


@dataclass(frozen=True)
class Point:
    """A draw.

    Parameters
    ----------
    values : of the variables in use
    config : of its run; None when it is none
    known : see ``records.Trial``
    excess : by how much it breaks every constraint, 0 where it does not
    reason : why it is refused; empty when it is not
    """

    values: Mapping[str, Any]
    config: RunConfig | None
    known: Mapping[str, float]
    excess: Mapping[str, float]
    reason: str


def point(search: ExploreConfig, values: Mapping[str, Any]) -> Point:
    """Return what is known of a draw; nothing is read and nothing is trained."""
    used = search.space.active(values)
    nothing = {one.text: 1.0 for one in search.limits} or {"settings": 1.0}
    try:
        config = search.space.config(values, "point")
        judge.check(config)
        known = known_of(config)
    except (ConfigError, ModelError, RegisterError) as problem:
        return Point(used, None, {}, nothing, one_line(problem))
    except MemoryError:
        return Point(used, None, {}, nothing, "the encoder does not fit the memory of this machine")
    excess = {one.text: max(0.0, one.excess(known[one.quantity])) for one in search.limits}
    broken = [f"{one.quantity} is {known[one.quantity]:g}" for one in search.limits if excess[one.text] > 0]
    told = f"{', '.join(broken)}; wanted: {', '.join(t for t, by in excess.items() if by > 0)}" if broken else ""
    return Point(used, config, known, excess, told)


def known_of(config: RunConfig) -> dict[str, float]:
    """Return the figures of an encoder that need no training.

    Raises
    ------
    ConfigError, ModelError, RegisterError
        When it cannot be built.
    """
    from rtl_gen.verilog import latency

    model = skeleton(config, LOW_DENSITY)
    area = estimate(model, config.hardware.registers)
    return {
        "area": area.kge,
        "area_error": area.error,
        "registers": float(area.registers),
        "latency": float(latency(model, options_of(config, model, BLOCK))),
        "elinks": float(model.elinks),
        "bits": float(_bits(model)),
    }


def _bits(model: EncoderModel) -> int:
    """Return the bits of a frame that the encoder fills."""
    most = frame_capacity(model.elinks)
    return most if model.sends_cells else min(most, model.pack.bits)


def hash_of(config: RunConfig) -> str:
    """Return what tells two points with different results apart."""
    return hashlib.sha256(config.model_dump_json(exclude={"name"}).encode()).hexdigest()


def data_key(config: RunConfig) -> str:
    """Return what the rows of a run depend on, as the name of a directory."""
    text = config.model_dump_json(include={"data", "conditions", "seed"})
    return hashlib.sha256(text.encode()).hexdigest()[:12]
