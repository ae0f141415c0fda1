"""The formats of `econ-ae export`, by name: one function each, which writes a package and returns what it compared."""

from __future__ import annotations

from collections.abc import Callable

from econ_ae.app.export.decoders import check_decoder
from econ_ae.app.export.request import Request, Rows
from econ_ae.errors import ConfigError, did_you_mean


def _cmssw(request: Request) -> Rows:
    from econ_ae.app.export.cmssw.write import export, rows

    found = export(
        request.path,
        request.target,
        request.out,
        request.progress,
        overwrite=request.overwrite,
        decoder=request.decoder,
    )
    return rows(found)


def _onnx(request: Request) -> Rows:
    from econ_ae.app.export.onnx import export

    return export(request)


def _savedmodel(request: Request) -> Rows:
    from econ_ae.app.export.savedmodel import export

    return export(request)


def _emulator(request: Request) -> Rows:
    from econ_ae.app.export.emulator.library import export

    return export(request)


def _triton(request: Request) -> Rows:
    from econ_ae.app.export.triton.write import export

    return export(request)


FORMATS: dict[str, Callable[[Request], Rows]] = {
    "cmssw": _cmssw,
    "onnx": _onnx,
    "savedmodel": _savedmodel,
    "emulator": _emulator,
    "triton": _triton,
}
"""Every format."""


def write(form: str, request: Request) -> Rows:
    """Write a package in a format; return a table of what was compared.

    Raises
    ------
    ConfigError
        When the format or the decoder is unknown, or ``out`` is there and may not be replaced.
    """
    if form not in FORMATS:
        raise ConfigError(
            f"format {form!r} is unknown; expected one of {', '.join(FORMATS)}{did_you_mean(form, FORMATS)}"
        )
    check_decoder(request.decoder)
    return FORMATS[form](request)
