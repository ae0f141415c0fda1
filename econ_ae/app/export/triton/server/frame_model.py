"""Triton model: frames to what they say."""

import json
from pathlib import Path

import triton_python_backend_utils as pb
from frames import FrameError, unpack


class TritonPythonModel:
    """One instance; the layout of the frame is in ``frame.json`` beside this file."""

    def initialize(self, args):
        """Read the layout."""
        folder = Path(args["model_repository"]) / args["model_version"]
        self._layout = json.loads((folder / "frame.json").read_text(encoding="utf-8"))

    def execute(self, requests):
        """Answer requests one by one, so that a damaged frame is the error of its own request alone."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        try:
            found = unpack(self._layout, pb.get_input_tensor_by_name(request, "frame").as_numpy())
        except FrameError as problem:
            return pb.InferenceResponse(error=pb.TritonError(str(problem), pb.TritonError.INVALID_ARG))
        return pb.InferenceResponse([pb.Tensor(name, values) for name, values in found.items()])
