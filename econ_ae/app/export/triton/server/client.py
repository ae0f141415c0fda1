"""Decodes frames on an inference server: client.py HOST:PORT MODEL EVENTS.npz CHARGES.npz [http|grpc] [rows a request].

EVENTS.npz has the model's inputs by name, (n, ...); CHARGES.npz gets its outputs, whole or not at all.
"""

import importlib
import sys
from pathlib import Path

import numpy as np

_TYPES = {"uint32": "UINT32", "int32": "INT32", "float32": "FP32"}
_SECONDS = 60


def client_of(protocol, url):
    """Return the module of a protocol and a client."""
    module = importlib.import_module(f"tritonclient.{protocol}")
    if protocol == "http":
        return module, module.InferenceServerClient(url, connection_timeout=_SECONDS, network_timeout=_SECONDS)
    return module, module.InferenceServerClient(url)


def ask(module, client, model, given):
    """Return the outputs by name of inputs by name: one request."""
    inputs = []
    for name, values in given.items():
        one = module.InferInput(name, list(values.shape), _TYPES[str(values.dtype)])
        one.set_data_from_numpy(values)
        inputs.append(one)
    answer = client.infer(model, inputs)
    return {name: answer.as_numpy(name) for name in ("fractions", "charges")}


def decode(url, model, given, protocol="http", rows=256):
    """Return the outputs by name of all rows, asked for in parts."""
    module, client = client_of(protocol, url)
    count = len(next(iter(given.values())))
    parts = []
    for start in range(0, count, rows):
        try:
            parts.append(ask(module, client, model, {name: v[start : start + rows] for name, v in given.items()}))
        except Exception as problem:  # of either protocol, and of the network below it
            raise ConnectionError(
                f"{model} on {url} ({protocol}) failed at row {start} of {count}: {problem}; nothing was written, "
                "start the server again and repeat"
            ) from problem
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def main(url, model, events, charges, protocol="http", rows="256"):  # noqa: PLR0917
    """Decode a file."""
    with np.load(events) as arrays:
        given = {name: arrays[name] for name in arrays.files}
    found = decode(url, model, given, protocol, int(rows))
    temporary = Path(charges).with_name(f"writing-{Path(charges).name}")
    with temporary.open("wb") as file:
        np.savez(file, **found)
    temporary.replace(charges)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (ConnectionError, OSError, TypeError) as problem:
        print(f"client: {' '.join(str(problem).split())}", file=sys.stderr)
        sys.exit(2)
