"""Runs ONNX models with ONNX Runtime, on one thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.errors import ToolMissingError

_QUIET = 3


class OnnxModel:
    """An ONNX model that is ready to run.

    Parameters
    ----------
    content : the serialised model
    threads : that one call uses

    Raises
    ------
    ToolMissingError
        When ONNX Runtime is not installed.
    """

    def __init__(self, content: bytes, threads: int = 1) -> None:
        runtime = require_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = _QUIET
        self._session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._types = {one.name: one.type for one in self._session.get_inputs()}
        self.inputs = tuple(self._types)
        self.outputs = tuple(one.name for one in self._session.get_outputs())

    def run(self, given: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name of inputs by name, each (n, ...), turned into the types that the model takes."""
        typed = {
            name: np.ascontiguousarray(given[name], np.int64 if kind == "tensor(int64)" else np.float32)
            for name, kind in self._types.items()
        }
        return dict(zip(self.outputs, self._session.run(list(self.outputs), typed), strict=True))


def require_runtime() -> Any:
    """Return the onnxruntime package; ToolMissingError when it is not installed."""
    try:
        import onnxruntime  # noqa: PLC0415  optional
    except ImportError as problem:
        raise ToolMissingError("ONNX Runtime is not installed; pip install 'econ-ae[onnx]'") from problem
    return onnxruntime
