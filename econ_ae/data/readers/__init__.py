"""Readers: a file of trigger cells (CSV, ROOT, HDF5, Parquet), or a directory of CSV files, becomes a Batch."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from econ_ae.data.batch import Batch, Provenance, concatenated
from econ_ae.data.readers import columns, eportrx, foreign
from econ_ae.data.readers.content import zero_code_warning
from econ_ae.data.readers.eportrx import FieldOrder, ZeroCode
from econ_ae.data.readers.hits import RootOptions
from econ_ae.data.readers.table import Lines, Progress, is_number, read_lines
from econ_ae.econt.words import EPORTS
from econ_ae.errors import DataError
from econ_ae.floatcodes import HIGH_DENSITY
from econ_ae.floatcodes import LOW_DENSITY as LOW_DENSITY_BITS
from econ_ae.geometry import LOW_DENSITY, WaferGeometry

__all__ = ["FieldOrder", "Form", "Progress", "RootOptions", "ZeroCode", "detect", "read"]


class Form(enum.StrEnum):
    """The forms of CSV that ``read`` understands."""

    DECIMAL_WORDS = "eportrx-decimal"  # ePortRxDataGroup_0..11
    HEXADECIMAL_WORDS = "eportrx-hexadecimal"  # RX_DATA_0..11, with header nibble
    CHARGES = "charges"  # CALQ_0..47 and metadata, or 48 columns without header
    CODES = "codes"  # CODE_0..47 and metadata


_DEFAULTS = {
    Form.DECIMAL_WORDS: (LOW_DENSITY_BITS, ZeroCode.SUPPRESSED),
    Form.HEXADECIMAL_WORDS: (HIGH_DENSITY, ZeroCode.BIN_CENTRE),
    Form.CODES: (LOW_DENSITY_BITS, ZeroCode.SUPPRESSED),
}
_WORD_COLUMNS = {"eportrxdatagroup_": Form.DECIMAL_WORDS, "rx_data_": Form.HEXADECIMAL_WORDS}
_WARNING = "warning:"
_NOT_CSV = (".root", ".h5", ".hdf5", *foreign.PARQUET)
_CSV = ("*.csv", "*.csv.gz")
_EXPECTED = "expected CALQ_0..47, CODE_0..47, or 12 ePortRX words (ePortRxDataGroup_0..11 or RX_DATA_0..11)"

Choice = TypeVar("Choice", bound=enum.StrEnum)

_WHOLE_EVENTS = ".npz"


@dataclass(frozen=True)
class _Options:
    field_order: FieldOrder
    density: int | None
    zero_code: ZeroCode | None
    geometry: WaferGeometry


def read(
    path: str | Path,
    limit: int | None = None,
    progress: Progress | None = None,
    *,
    field_order: FieldOrder | str = FieldOrder.MSB_FIRST,
    density: int | None = None,
    zero_code: ZeroCode | str | None = None,
    geometry: WaferGeometry = LOW_DENSITY,
    root: RootOptions | None = None,
) -> Batch:
    """Read trigger-cell charges; the form is found from the file's ending, the header or the first line.

    ``.root`` files are ntuples of trigger cells or of modules (``readers.ntuples``), ``.h5`` and ``.hdf5`` files are
    dataset files (``data.dataset``) or others' (``readers.foreign``), as ``.parquet`` and ``.pq`` files; ``.npz`` files
    are whole events (``readers.cms_events``); anything else is CSV, with commas, semicolons or tabs, in UTF-8, UTF-16
    or Latin-1, also inside gzip:

    ===================  ==========================================  =========  ============
    form                 columns                                     density    code 0
    ===================  ==========================================  =========  ============
    eportrx-decimal      ``ePortRxDataGroup_0..11``, 28-bit words    1 (low)    suppressed
    eportrx-hexadecimal  ``RX_DATA_0..11``, 32-bit words, header 9   3 (high)   bin-centre
                         at BX 0 and A elsewhere
    codes                ``CODE_0..47``, 7-bit codes, by TC number   1 (low)    suppressed
    charges              ``CALQ_0..47`` among others, by TC number,  -          -
                         or 48 columns without a header line
    ===================  ==========================================  =========  ============

    Words give charges at unit calibration (2048). Numeric columns beside the cells become metadata, ``tc_eta``,
    ``waferu``, ``SimEnergyTotal`` and the like under the names of a Batch; an unnamed index column is ignored.
    Hexadecimal words give the metadata ``bx``, the bunch crossing 0..3563 in the orbit. The steps of the provenance say
    which density and code 0 were taken, which of them by default, and after ``warning:`` what speaks against them.

    Parameters
    ----------
    path : a file, or a directory: all its ``*.csv`` in the order of their names, all of one form
    limit : most rows to read
    progress : called with (rows read, rows of the file) now and then
    field_order : words only: ``msb-first`` (bits 27-21 are the first trigger cell: production) or ``lsb-first``
    density : codes and words: bits that the front end dropped, 1 (low density) or 3 (high density); ntuples: the
        modules to take
    zero_code : codes and words only: code 0 is no charge (``suppressed``) or the middle of its bin (``bin-centre``)
    geometry : maps word positions (``premux``) and lattice coordinates to trigger cells
    root : ntuples only: what is taken of them

    Raises
    ------
    DataError
        When the input cannot be read as trigger-cell charges; the message names file, row, line and column.
    """
    path = Path(path)
    name = path.name or path.resolve().name  # of '.'
    if limit is not None and limit < 1:
        raise DataError(f"limit of {limit} rows; expected at least 1")
    zero = None if zero_code is None else _choice(ZeroCode, "zero_code", zero_code)
    options = _Options(_choice(FieldOrder, "field_order", field_order), density, zero, geometry)
    if density not in (None, LOW_DENSITY_BITS, HIGH_DENSITY):
        raise DataError(f"density {density!r}; expected 1 (low density) or 3 (high density)")
    if path.suffix in (*_NOT_CSV, _WHOLE_EVENTS) and not path.is_dir():
        return _read_binary(path, limit, options, root)
    if not path.is_dir():
        return _read_file(path, limit, progress, options)[1]
    files = csv_files(path)
    if not files:
        raise DataError(f"directory {name} holds no *.csv; expected at least one")
    parts: list[tuple[Form, Batch]] = []
    for file in files:
        left = None if limit is None else limit - sum(len(batch) for _, batch in parts)
        if left == 0:
            break
        parts.append(_read_file(file, left, progress, options))
        _check_same(parts[0], parts[-1])
    return _concatenate(name, [batch for _, batch in parts])


def _read_binary(path: Path, limit: int | None, options: _Options, root: RootOptions | None) -> Batch:
    if path.suffix == ".root":
        from econ_ae.data.readers.ntuples import read_root

        root = root or RootOptions()
        return read_root(path, limit, replace(root, density=options.density or root.density), options.geometry)
    if path.suffix in foreign.PARQUET or foreign.is_foreign(path):
        return _read_foreign(path, limit, options)
    from econ_ae.data import dataset

    if options.density is not None or options.zero_code is not None:
        raise DataError(f"{path.name} holds charges; density and zero_code apply to trigger-cell codes only")
    if path.suffix == _WHOLE_EVENTS:
        from econ_ae.data.readers.cms_events import EventsOptions, read_events

        return read_events(path, EventsOptions(), options.geometry, limit)
    return dataset.load(path, limit)


def csv_files(folder: Path) -> list[Path]:
    """Return the CSV files of a directory in the order of their names."""
    return sorted(path for pattern in _CSV for path in folder.glob(pattern))


def _read_foreign(path: Path, limit: int | None, options: _Options) -> Batch:
    found = foreign.read_foreign(path, options.geometry.cells, limit)
    form = Form.CHARGES if found.prefix == columns.CHARGE_PREFIX else Form.CODES
    if form is Form.CHARGES:
        _check_charges(path.name, options)
        charges, steps = found.values, [f"read {form} ({found.found})"]
    else:
        charges, steps = _of_codes(found.values, form, options, path.name)
        steps[0] += f" ({found.found})"
    steps += [*_ignored_step(found.ignored), *([] if limit is None else [f"first {len(charges)} rows"])]
    provenance = Provenance(path.name, synthetic=False, sha256=found.sha256, steps=tuple(steps))
    return Batch(charges.astype(np.uint32), provenance, found.metadata)


def detect(lines: Lines, geometry: WaferGeometry = LOW_DENSITY) -> Form:
    """Return the form of a file; DataError when its columns are none of ours."""
    if lines.header:
        names = [name.lower() for name in lines.header]
        if columns.has_cells(names, columns.CHARGE_PREFIX):
            return Form.CHARGES
        if columns.has_cells(names, columns.CODE_PREFIX):
            return Form.CODES
        for prefix, form in _WORD_COLUMNS.items():
            if names[0].startswith(prefix):
                expected = [f"{prefix}{i}" for i in range(EPORTS)]
                if names != expected:
                    raise DataError(
                        f"{lines.file}: header of {len(names)} columns {lines.header[0]}..{lines.header[-1]}; "
                        f"expected the {EPORTS} columns {lines.header[0][:-1]}0..{EPORTS - 1} in order"
                    )
                return form
        shown = ", ".join(lines.header[:3]) + (", ..." if len(lines.header) > 3 else "")
        raise DataError(f"{lines.file}: columns not understood ({shown[:80]!r}); {_EXPECTED}")
    first = lines.rows[0].split(",")
    if eportrx.is_hexadecimal([cell.strip() for cell in first]):
        return Form.HEXADECIMAL_WORDS
    if len(first) == EPORTS:
        return Form.DECIMAL_WORDS
    if len(first) == geometry.cells:
        return Form.CHARGES
    raise DataError(
        f"{lines.where(0)}: {len(first)} columns and no header line; "
        f"expected {geometry.cells} charges or {EPORTS} words, or a header line"
    )


def _choice(kind: type[Choice], name: str, value: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise DataError(f"{name} {value!r}; expected {' or '.join(kind)}") from None


def _is_data(row: Sequence[str]) -> bool:
    """Tell data from a header: most cells are numbers, or all are headed hexadecimal words."""
    return eportrx.is_hexadecimal(row) or 2 * sum(map(is_number, row)) > len(row)


def _read_file(path: Path, limit: int | None, progress: Progress | None, options: _Options) -> tuple[Form, Batch]:
    lines = read_lines(path, _is_data, limit)
    form = detect(lines, options.geometry)
    read_form = _read_charges if form is Form.CHARGES else _read_codes
    charges, metadata, steps = read_form(lines, form, options, progress)
    if lines.detected:
        steps[0] += f" ({', '.join(lines.detected)})"
    if limit is not None:
        steps.append(f"first {len(lines.rows)} rows")
    provenance = Provenance(path.name, synthetic=False, sha256=lines.sha256, steps=tuple(steps))
    return form, Batch(charges.astype(np.uint32), provenance, metadata)


_Parts = tuple[NDArray[np.int64], columns.Metadata, list[str]]


def _read_charges(lines: Lines, form: Form, options: _Options, progress: Progress | None) -> _Parts:
    _check_charges(lines.file, options)
    count = options.geometry.cells
    names = lines.header or [f"{columns.CHARGE_PREFIX}{i}" for i in range(count)]
    charges, metadata, ignored = columns.read_columns(lines, names, columns.CHARGE_PREFIX, count, progress)
    return charges, metadata, [f"read {form}", *_ignored_step(ignored)]


def _check_charges(file: str, options: _Options) -> None:
    if options.density is not None or options.zero_code is not None:
        raise DataError(f"{file} holds charges; density and zero_code apply to trigger-cell codes only")


def _read_codes(lines: Lines, form: Form, options: _Options, progress: Progress | None) -> _Parts:
    metadata: columns.Metadata = {}
    ignored: tuple[str, ...] = ()
    words = lines.header or [f"word {i}" for i in range(EPORTS)]
    match form:
        case Form.CODES:
            codes, metadata, ignored = columns.read_columns(
                lines, lines.header, columns.CODE_PREFIX, options.geometry.cells, progress
            )
        case Form.DECIMAL_WORDS:
            codes = eportrx.decimal_codes(lines, words, options.field_order, progress)
        case _:
            codes, bx = eportrx.hexadecimal_codes(lines, words, options.field_order, progress)
            metadata = {"bx": bx}
    if form is not Form.CODES:
        codes = codes[:, options.geometry.premux]  # from ePort inputs to trigger cells
    charges, steps = _of_codes(codes, form, options, lines.file)
    return charges, metadata, [*steps, *_ignored_step(ignored)]


def _of_codes(
    codes: NDArray[np.int64], form: Form, options: _Options, file: str
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the charges of codes, and the steps: how they were read, and what speaks against it."""
    usual_density, usual_zero_code = _DEFAULTS[form]
    density, zero_code = options.density or usual_density, options.zero_code or usual_zero_code
    fields = "" if form is Form.CODES else f" fields {options.field_order},"
    charges = eportrx.code_charges(codes, density, zero_code)
    assumed = [n for n, given in (("density", options.density), ("code 0", options.zero_code)) if given is None]
    step = f"read {form}:{fields} density {density}, code 0 {zero_code}"
    step += f" ({' and '.join(assumed)} by default for {form})" if assumed else ""
    doubt = zero_code_warning(codes, zero_code)
    return charges, [step, *([f"{_WARNING} {file}: {doubt}"] if doubt else [])]


def _ignored_step(names: Sequence[str]) -> list[str]:
    return [f"ignored columns without numbers: {', '.join(names)}"] if names else []


def _check_same(first: tuple[Form, Batch], other: tuple[Form, Batch]) -> None:
    names = [batch.provenance.source for _, batch in (first, other)]
    if first[0] != other[0]:
        raise DataError(f"{names[0]} is of form {first[0]}, {names[1]} of {other[0]}; expected one form per directory")
    odd = sorted(set(first[1].metadata) ^ set(other[1].metadata))
    if odd:
        raise DataError(f"{names[0]} and {names[1]} differ in column {odd[0]}; expected the same columns in every file")


def _concatenate(name: str, parts: Sequence[Batch]) -> Batch:
    digest = hashlib.sha256("".join(batch.provenance.sha256 for batch in parts).encode()).hexdigest()
    files = ", ".join(f"{batch.provenance.source} ({len(batch)} rows)" for batch in parts)
    warnings = [step for batch in parts for step in batch.provenance.steps if step.startswith(_WARNING)]
    steps = (parts[0].provenance.steps[0], *warnings, f"concatenated {files}")
    return replace(concatenated(parts), provenance=Provenance(name, synthetic=False, sha256=digest, steps=steps))
