"""Triton model: every module's frame to the decoder of its number of eLinks."""

import json
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    """Asks the other models of the server; which one for how many eLinks is in ``links.json`` beside this file."""

    def initialize(self, args):
        """Read the map."""
        folder = Path(args["model_repository"]) / args["model_version"]
        self._models = json.loads((folder / "links.json").read_text(encoding="utf-8"))

    def execute(self, requests):
        """Answer requests one by one."""
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        links = pb.get_input_tensor_by_name(request, "links").as_numpy()[:, 0]
        unknown = sorted(set(links.tolist()) - {int(number) for number in self._models})
        if unknown:
            text = f"no decoder for {unknown[0]} eLinks; there are: {', '.join(self._models)}"
            return pb.InferenceResponse(error=pb.TritonError(text, pb.TritonError.INVALID_ARG))
        out: dict[str, np.ndarray] = {}
        for number in np.unique(links):
            rows = np.flatnonzero(links == number)
            model = self._models[str(number)]
            inputs = []
            for name in model["inputs"]:
                values = pb.get_input_tensor_by_name(request, name).as_numpy()[rows]
                inputs.append(
                    pb.Tensor(name, np.ascontiguousarray(values[:, : model["words"]] if name == "frame" else values))
                )
            asked = pb.InferenceRequest(
                model_name=model["name"], requested_output_names=["fractions", "charges"], inputs=inputs
            )
            answer = asked.exec()
            if answer.has_error():
                return pb.InferenceResponse(error=pb.TritonError(answer.error().message(), answer.error().code()))
            for name in ("fractions", "charges"):
                values = pb.get_output_tensor_by_name(answer, name).as_numpy()
                out.setdefault(name, np.zeros((len(links), values.shape[1]), np.float32))[rows] = values
        return pb.InferenceResponse([pb.Tensor(name, values) for name, values in out.items()])
