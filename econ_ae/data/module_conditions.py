"""What a decoder may know of the module besides the bits that it sent: names, columns, normalisation.

The normalisation is the collaboration's (public training code of the ECON-T autoencoder): |eta| / 3.1 of the module's
centre, u / 12, v / 12, the sensor's thickness as one of three, log(sum + 1), (layer - 1) / 46 with the detector's layer
number. The sum is the one that the receiver decodes from the frame, not the exact one, which it does not have.

(``data.conditions`` is something else: what changes in a module after training.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.data.module_checks import check_centres, check_feature, check_numbers
from econ_ae.econt.autoencoder import SUM_EXPONENT, SUM_MANTISSA, sum_code
from econ_ae.econt.decode import mid_bin
from econ_ae.errors import ConfigError, DataError

Features = NDArray[np.float32]

NO_LATTICE = "no wafer_u and wafer_v: "
"""Start of the provenance step of a source whose modules' numbers could not be found."""

_FEWEST = 2  # rows in which a condition must vary


@dataclass(frozen=True)
class Condition:
    """One thing that is known of a module.

    Parameters
    ----------
    name : in ``decoder.conditions``
    column : of a Batch's metadata; ``""`` is the module sum of the frame
    kind : ``linear`` gives (value - offset) / scale, ``one-hot`` a feature per value, ``log`` log(value + 1)
    low, high : limits of the value as it is in the column, inclusive
    whole : whether the value is an integer
    offset, scale : of ``linear``
    absolute : whether the value's sign is left out first
    values : of ``one-hot``, in the order of the features
    """

    name: str
    column: str
    kind: Literal["linear", "one-hot", "log"]
    low: float
    high: float
    whole: bool = True
    offset: float = 0.0
    scale: float = 1.0
    absolute: bool = False
    values: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.values) or 1

    def normalised(self, values: NDArray[np.float64]) -> Features:
        """Return the features, float32 (n, width), of values (n,)."""
        if self.kind == "one-hot":
            return (values[:, None] == np.array(self.values)).astype(np.float32)
        known = np.abs(values) if self.absolute else values
        out = np.log(known + 1) if self.kind == "log" else (known - self.offset) / self.scale
        return out.astype(np.float32)[:, None]


DEFINITIONS = {
    c.name: c
    for c in (
        Condition("eta", "eta", "linear", 1.3, 3.3, whole=False, scale=3.1, absolute=True),
        Condition("layer", "detector_layer", "linear", 1, 47, offset=1.0, scale=46.0),
        Condition("u", "wafer_u", "linear", -12, 12, scale=12.0),
        Condition("v", "wafer_v", "linear", -12, 12, scale=12.0),
        Condition("thickness", "thickness", "one-hot", 120, 300, values=(120, 200, 300)),
        Condition("log_sum", "", "log", 0, float(1 << 28), whole=False),
    )
}
"""All conditions by name."""


@dataclass(frozen=True)
class Conditions:
    """The conditions of a decoder, in the order of its inputs.

    Parameters
    ----------
    names : of ``DEFINITIONS``, none twice

    Raises
    ------
    ConfigError
        When a name is unknown or given twice.
    """

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.names:
            if name not in DEFINITIONS:
                raise ConfigError(f"condition {name!r} is unknown; expected some of {', '.join(DEFINITIONS)}")
        if len(set(self.names)) < len(self.names):
            raise ConfigError(f"conditions {', '.join(self.names)} name one twice; expected each once")

    @property
    def definitions(self) -> tuple[Condition, ...]:
        """The conditions, in order."""
        return tuple(DEFINITIONS[name] for name in self.names)

    @property
    def width(self) -> int:
        """Number of features."""
        return sum(condition.width for condition in self.definitions)

    @property
    def columns(self) -> tuple[str, ...]:
        """Metadata that are needed."""
        return tuple(condition.column for condition in self.definitions if condition.column)

    @cached_property
    def text(self) -> str:
        """Names, order and normalisation as canonical JSON with their hash: what a saved decoder carries."""
        told: dict[str, Any] = {"conditions": [asdict(c) for c in self.definitions]}
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return json.dumps(told | {"sha256": digest}, sort_keys=True)

    def features(self, batch: Batch) -> Features:
        """Return the features of images (n,), float32 (n, width).

        Raises
        ------
        DataError
            When the batch lacks a column, or a value is no number, no integer, or out of range; names condition,
            column and value. When u, v or eta are not those of the module, or normalisation loses a value.
        """
        parts = []
        for condition in self.definitions:
            values = _values(condition, batch)
            parts.append(condition.normalised(values))
            check_feature(condition.name, values, parts[-1])
        if {"u", "v"} & set(self.names):
            check_numbers(batch)
        if "eta" in self.names:
            check_centres(batch)
        return np.concatenate([np.zeros((len(batch), 0), np.float32), *parts], axis=1)

    def check_training(self, parts: Iterable[Batch]) -> None:
        """Check training rows, given in parts, before anything is trained.

        Raises
        ------
        DataError
            As ``features``, or when a condition has the same value in all rows: it says nothing, and often is an
            integer division that gave 0.
        """
        low, high, rows = np.full(len(self.names), np.inf), np.full(len(self.names), -np.inf), 0
        if not self.names:
            return
        for batch in parts:
            if not len(batch):
                continue
            self.features(batch)
            values = np.array([_values(condition, batch) for condition in self.definitions])
            low, high = np.minimum(low, values.min(axis=1)), np.maximum(high, values.max(axis=1))
            rows += len(batch)
        for i, name in enumerate(self.names):
            if rows >= _FEWEST and low[i] == high[i]:
                raise DataError(
                    f"all {rows} training modules have {name} = {low[i]:g}; expected a condition that varies: leave "
                    f"{name!r} out of decoder.conditions, or mend the source's column {DEFINITIONS[name].column}"
                )


NONE = Conditions()
"""Of a decoder that knows nothing of its module."""


def told_by(text: str) -> str:
    """Return the names in what a saved decoder carries, for messages."""
    try:
        names: Sequence[str] = [str(c["name"]) for c in json.loads(text)["conditions"]]
    except (ValueError, KeyError, TypeError):
        return "a damaged list of conditions"
    return f"the conditions {', '.join(names)}" if names else "no conditions"


def _values(condition: Condition, batch: Batch) -> NDArray[np.float64]:
    """Return the values of a condition, float64 (n,), all of them allowed ones."""
    name, column, source = condition.name, condition.column, batch.provenance.source
    if not column:
        return received_sum(batch)
    if column not in batch.metadata:
        raise DataError(_missing(condition, batch))
    values = np.asarray(batch.metadata[column], np.float64)
    size = np.abs(values) if condition.absolute else values
    with np.errstate(invalid="ignore"):
        bad = ~((size >= condition.low) & (size <= condition.high))
        if condition.whole:
            bad |= values != np.floor(values)
    if condition.values:
        bad |= ~np.isin(values, condition.values)
    if bad.any():
        expected = f"{'an integer of ' if condition.whole else ''}{condition.low:g}..{condition.high:g}"
        if condition.values:
            expected = f"one of {', '.join(map(str, condition.values))}"
        raise DataError(
            f"condition {name!r} of {source}: {column} is {values[np.argmax(bad)]:g} in {int(bad.sum())} of {len(bad)} "
            f"rows; expected {expected}{', of either sign' if condition.absolute else ''}"
        )
    return values


def received_sum(batch: Batch) -> NDArray[np.float64]:
    """Return the module sums that a receiver decodes of frames, float64 (n,): the condition ``log_sum``."""
    return np.asarray(mid_bin(sum_code(batch.charges), SUM_EXPONENT, SUM_MANTISSA), np.float64)


def _missing(condition: Condition, batch: Batch) -> str:
    name, column = condition.name, condition.column
    there = ", ".join(sorted(batch.metadata)) or "no columns"
    reason = next(
        (s for s in batch.provenance.steps if column in {"wafer_u", "wafer_v"} and s.startswith(NO_LATTICE)), ""
    )
    why = f" ({reason.removeprefix(NO_LATTICE)})" if reason else f" (it has {there})"
    return (
        f"decoder.conditions has {name!r}, but {batch.provenance.source} has no column {column}{why}; use a source "
        f"that has it, or leave {name!r} out"
    )
