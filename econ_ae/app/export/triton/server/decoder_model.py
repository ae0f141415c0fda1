"""Triton model: a decoder under ONNX Runtime; the requests that wait are decoded as one batch."""

from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb


class TritonPythonModel:
    """One instance on one thread."""

    def initialize(self, args):
        """Load ``decoder.onnx`` beside this file."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        path = Path(args["model_repository"]) / args["model_version"] / "decoder.onnx"
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = [one.name for one in self._session.get_inputs()]
        self._outputs = [one.name for one in self._session.get_outputs()]

    def execute(self, requests):
        """Decode all requests together."""
        parts = [[pb.get_input_tensor_by_name(one, name).as_numpy() for name in self._inputs] for one in requests]
        given = {
            name: np.concatenate(values) for name, values in zip(self._inputs, zip(*parts, strict=True), strict=True)
        }
        found = self._session.run(self._outputs, given)
        ends = np.cumsum([len(part[0]) for part in parts])[:-1]
        split = zip(*(np.split(values, ends) for values in found), strict=True)
        return [
            pb.InferenceResponse([pb.Tensor(name, values) for name, values in zip(self._outputs, one, strict=True)])
            for one in split
        ]
