"""Runs QONNX models with the qonnx package, the witness of the dialect: event by event, slowly."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ToolMissingError


def has_qonnx() -> bool:
    """Tell whether the qonnx package is installed and can be loaded; nothing that is exported needs it."""
    try:
        importlib.import_module("qonnx.core.onnx_exec")
    except ImportError:
        return False
    return True


class QonnxModel:
    """A QONNX model that is ready to run.

    Parameters
    ----------
    content : the serialised model, with a batch of 1

    Raises
    ------
    ToolMissingError
        When the qonnx package is not installed.
    """

    def __init__(self, content: bytes) -> None:
        if not has_qonnx():
            raise ToolMissingError("the qonnx package is not installed; pip install qonnx")
        import onnx  # noqa: PLC0415  optional
        from qonnx.core.modelwrapper import ModelWrapper  # noqa: PLC0415
        from qonnx.transformation.infer_shapes import InferShapes  # noqa: PLC0415

        self._model = ModelWrapper(onnx.load_from_string(content)).transform(InferShapes())
        self._inputs = [one.name for one in self._model.graph.input]

    def run(self, given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name, float32 (n, ...), of inputs by name, (n, ...)."""
        from qonnx.core.onnx_exec import execute_onnx  # noqa: PLC0415

        typed = {name: np.asarray(given[name], np.float32) for name in self._inputs}
        count = len(next(iter(typed.values())))
        found = [execute_onnx(self._model, {name: v[i : i + 1] for name, v in typed.items()}) for i in range(count)]
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}
