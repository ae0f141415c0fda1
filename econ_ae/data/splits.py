"""Which rows train, which validate and which are reported; a reported row never trains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch
from econ_ae.errors import ConfigError, DataError

Rows = NDArray[np.intp]

_RANGE = re.compile(r"\s*(\d*)\s*:\s*(\d*)\s*")
_TRAIN_FIFTHS = 4  # the first 4 of 5 rows


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of a batch, each ascending and read-only.

    Attributes
    ----------
    train, validation : intp, rows with charge; the normaliser is undefined for the others
    report : intp, all rows of the report, those without charge included
    excluded : rows without charge that were left out of train and validation
    undefined : rows without charge in the report; count them, they have no EMD
    copies : rows left out of train because their image is also in the report or in validation
    rule : the row ranges in words, for the run's manifest

    Raises
    ------
    ConfigError
        When two of the three share a row.
    """

    train: Rows
    validation: Rows
    report: Rows
    excluded: int
    undefined: int
    rule: str
    copies: int = 0

    def __post_init__(self) -> None:
        for rows in (self.train, self.validation, self.report):
            rows.setflags(write=False)
        for one, other in (("train", "report"), ("validation", "report"), ("train", "validation")):
            shared = np.intersect1d(getattr(self, one), getattr(self, other))
            if shared.size:
                raise ConfigError(
                    f"{one} and {other} share {shared.size} rows, the first is row {shared[0]}; expected none"
                )


def split(
    batch: Batch,
    train: str | None = None,
    report: str | None = None,
    *,
    validation: float | str = 0.1,
    seed: int | None = None,
    keep_copies: bool = False,
) -> Split:
    """Divide a batch's rows by explicit ranges, or the first 80 % for training and the last 20 % for the report.

    Parameters
    ----------
    batch : n rows
    train, report : row ranges as Python slices without step, several with commas: ``0:8000`` or ``0:4000,6000:8000``.
        When only one is given the other is all rows left over; when none is, train is ``0:4n/5`` and report the rest.
    validation : the share of the training rows that validates, or ranges inside ``train``
    seed : None takes the last training rows for validation; a number takes random ones
    keep_copies : train and validate also on rows whose image is repeated in the report, and train on images that
        validate. Files made by drawing from a pool of simulated crossings repeat images; a network that has seen them
        looks better than it is, so such rows are left out by default.

    Raises
    ------
    ConfigError
        When a range is malformed, beyond the batch or empty, or when reported rows would train or validate.
    DataError
        When no row with charge is left to train or to validate on.
    """
    numbers = None if keep_copies else image_numbers(batch.charges)
    return split_rows(batch.total > 0, numbers, train, report, validation=validation, seed=seed)


def split_rows(
    charged: NDArray[np.bool_],
    images: Rows | None,
    train: str | None = None,
    report: str | None = None,
    *,
    validation: float | str = 0.1,
    seed: int | None = None,
) -> Split:
    """Do what ``split`` does for rows that are not in memory.

    Parameters
    ----------
    charged : bool (n,), rows with charge
    images : intp (n,), a number per row, equal for rows with equal charges; None keeps copies
    """
    n = len(charged)
    every = np.arange(n)
    if train is None and report is None:
        train, report = f"0:{n * _TRAIN_FIFTHS // 5}", f"{n * _TRAIN_FIFTHS // 5}:{n}"
        if n < 5:
            raise DataError(f"{n} rows are too few to split; expected at least 5")
    reported = _rows(report, n, "report") if report is not None else np.setdiff1d(every, _rows(train, n, "train"))
    learning = _rows(train, n, "train") if train is not None else np.setdiff1d(every, reported)
    _check_disjoint(learning, reported, "train")
    if not reported.size or not learning.size:
        raise ConfigError(
            f"train {train!r} and report {report!r} leave one of them without rows; expected rows in both"
        )

    usable = learning[charged[learning]]
    image = every if images is None else images
    fresh = usable[~np.isin(image[usable], image[reported])]
    copies = usable.size - fresh.size
    if isinstance(validation, str):
        chosen = _rows(validation, n, "validation")
        _check_disjoint(chosen, reported, "validation")
        if not np.isin(chosen, learning).all():
            raise ConfigError(f"validation {validation!r} is not inside train {train!r}; expected training rows")
        validating = np.intersect1d(fresh, chosen)
        rest = np.setdiff1d(fresh, chosen)
        training = rest[~np.isin(image[rest], image[validating])]
        copies += rest.size - training.size
    else:
        training, validating = _hold_out(fresh, image[fresh], validation, seed)
    if not training.size or not validating.size:
        raise DataError(
            f"{fresh.size} training rows with charge and with images of their own are too few; expected at least 2, "
            "one of them to validate"
        )
    excluded = int(learning.size - usable.size)
    how = validation if isinstance(validation, str) else f"{validation:g} of train, {_order(seed)}"
    rule = f"train {runs(learning)}, validation {how}, report {runs(reported)}"
    if copies:
        rule += f"; {copies} rows of train left out, copies of images that report or validate"
    return Split(training, validating, reported, excluded, int((~charged[reported]).sum()), rule, copies)


def image_numbers(charges: NDArray[np.uint32]) -> Rows:
    """Return a number per row, intp (n,), equal for rows with equal charges."""
    whole = np.ascontiguousarray(charges).view(np.dtype((np.void, charges.itemsize * charges.shape[1])))
    _, number = np.unique(whole.reshape(-1), return_inverse=True)
    return number.astype(np.intp)


def _hold_out(rows: Rows, image: Rows, share: float, seed: int | None) -> tuple[Rows, Rows]:
    """Split rows by image, so that no image is on both sides."""
    if not 0 < share < 1:
        raise ConfigError(f"validation share {share}; expected a number between 0 and 1, for example 0.1")
    _, first, number = np.unique(image, return_index=True, return_inverse=True)
    images = np.argsort(first)  # in the order of their first row
    count = max(1, min(round(len(images) * share), len(images) - 1))
    if seed is not None:
        images = np.random.default_rng(seed).permutation(images)
    held = np.isin(number, images[len(images) - count :])
    return rows[~held], rows[held]


def _order(seed: int | None) -> str:
    return "the last rows" if seed is None else f"random with seed {seed}"


def _check_disjoint(rows: Rows, reported: Rows, name: str) -> None:
    shared = np.intersect1d(rows, reported)
    if shared.size:
        raise ConfigError(
            f"{name} and report share {shared.size} rows, the first is row {shared[0]}; expected separate row ranges"
        )


def _rows(text: str | None, n: int, name: str) -> Rows:
    """Return the sorted rows of ``a:b,c:d``."""
    parts: list[Rows] = []
    for part in (text or "").split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise ConfigError(f"{name} rows {part!r} not understood; expected 'first:end', for example '0:8000'")
        start, end = int(match[1] or 0), int(match[2] or n)
        if not start < end <= n:
            raise ConfigError(f"{name} rows {part!r} of a batch of {n} rows; expected 0 <= first < end <= {n}")
        parts.append(np.arange(start, end))
    rows = np.concatenate(parts)
    unique = np.unique(rows)
    if unique.size != rows.size:
        raise ConfigError(f"{name} rows {text!r} name a row twice; expected separate ranges")
    return unique


def runs(rows: Rows) -> str:
    """Return sorted rows as ranges."""
    breaks: Sequence[Rows] = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    return ",".join(f"{run[0]}:{run[-1] + 1}" for run in breaks)
