"""What tests need and a machine may not have: they skip with the reason, but where nothing may be skipped they fail."""

from __future__ import annotations

import importlib
import os
import shutil
from typing import Any, NoReturn

import pytest

VARIABLE = "ECON_AE_REQUIRE_REFERENCE"
"""Set where nothing may be skipped, as in continuous integration."""
ONNX = "pip install 'econ-ae[onnx]'"


def absent(reason: str) -> NoReturn:
    """Skip the test, or the file that is just imported, for a reason; fail where nothing may be skipped."""
    if os.environ.get(VARIABLE):
        pytest.fail(f"{reason}; {VARIABLE} is set")
    pytest.skip(reason, allow_module_level=True)


def require_module(name: str, how: str) -> Any:
    """Return an optional module of Python.

    Parameters
    ----------
    how : how to get it, for example ``pip install 'econ-ae[onnx]'``
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        absent(f"{name} is not installed; {how}")


def require_onnx() -> Any:
    """Return the package onnx, beside which ONNX Runtime is installed."""
    require_module("onnxruntime", ONNX)
    return require_module("onnx", ONNX)


def require_program(name: str) -> str:
    """Return the path of a program."""
    return shutil.which(name) or absent(f"{name} is not on the PATH")


def needs(*programs: str) -> pytest.MarkDecorator:
    """Return the mark of tests that need programs."""
    missing = [name for name in programs if shutil.which(name) is None]
    return only_where(not missing, f"{', '.join(missing)} not on the PATH")


def only_where(there: bool, otherwise: str) -> pytest.MarkDecorator:  # as pytest.mark.skipif
    """Return the mark of tests that need something; where nothing may be skipped they run, and fail without it."""
    return pytest.mark.skipif(not there and not os.environ.get(VARIABLE), reason=otherwise)
