"""Decodes frames on an inference server: client.py HOST:PORT MODEL EVENTS.npz CHARGES.npz [http|grpc] [rows a request].

EVENTS.npz has the model's inputs by name, (n, ...); CHARGES.npz gets its outputs, whole or not at all. What is wrong is
one line, and the exit code is 2.
"""

import importlib
import os
import re
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

_TYPES = {"UINT32": "uint32", "INT32": "int32", "FP32": "float32"}
_PROTOCOLS = ("http", "grpc")
_ROWS = 256
_SECONDS = 60  # to connect, and for every answer
_REFUSED = re.compile(r"4\d\d|StatusCode\.(INVALID_ARGUMENT|NOT_FOUND|OUT_OF_RANGE|UNIMPLEMENTED|ALREADY_EXISTS)")
"""Statuses with which a server says that the request is wrong; all others say that the server is."""


class ClientError(Exception):
    """What the user can mend; its text is the one line that he sees."""


class Connection:
    """A server, asked over one protocol.

    Raises
    ------
    ClientError
        When address or protocol have another form, or the packages of the protocol are not installed.
    """

    def __init__(self, url, protocol):
        if protocol not in _PROTOCOLS:
            raise ClientError(f"protocol {protocol!r} is unknown; expected {' or '.join(_PROTOCOLS)}")
        port = url.rpartition(":")[2]
        if not re.fullmatch(r"[^\s/]+:\d{1,5}", url) or not 0 < int(port) < 1 << 16:
            raise ClientError(f"{url!r} is no address of a server; expected HOST:PORT, for example 127.0.0.1:8000")
        self.name = f"{url} ({protocol})"
        try:
            self._module = importlib.import_module(f"tritonclient.{protocol}")
        except ImportError as problem:
            raise ClientError(
                f"{problem}; use the python of an environment with serve-requirements.txt installed"
            ) from problem
        client, self.problems = self._module.InferenceServerClient, [self._module.InferenceServerException, OSError]
        if protocol == "http":
            self._client = client(url, connection_timeout=_SECONDS, network_timeout=_SECONDS)
            self._limit, self._as_json = {}, {}
            self.problems.append(importlib.import_module("geventhttpclient").HTTPParseError)
        else:
            self._client = client(url)
            self._limit, self._as_json = {"client_timeout": _SECONDS}, {"as_json": True}

    def refused(self, problem):
        """Return whether the server, or the library before it, says that what it was asked is wrong."""
        if not isinstance(problem, self._module.InferenceServerException):
            return False
        return problem.status() is None or bool(_REFUSED.search(problem.status()))

    def described(self, model):
        """Return type and shape of the model's inputs by name, and the names of its outputs."""
        found = self._client.get_model_metadata(model, **self._as_json, **self._limit)
        takes = {one["name"]: (one["datatype"], tuple(map(int, one["shape"]))[1:]) for one in found["inputs"]}
        return takes, [one["name"] for one in found["outputs"]]

    def ask(self, model, given, outputs):
        """Return the outputs by name of inputs by name: one request."""
        inputs = []
        for name, (kind, values) in given.items():
            one = self._module.InferInput(name, list(values.shape), kind)
            one.set_data_from_numpy(values)
            inputs.append(one)
        answer = self._client.infer(model, inputs, **self._limit)
        return {name: answer.as_numpy(name) for name in outputs}


def fitting(given, takes, model, source):
    """Return type and array of every input of a model.

    Raises
    ------
    ClientError
        When one is missing, or has another type, shape or length.
    """
    expected = ", ".join(f"{name} {_shown(*takes[name])}" for name in takes)
    out, lengths = {}, {}
    for name, (kind, shape) in takes.items():
        if name not in given:
            raise ClientError(f"{source} has no {name}, only {', '.join(given) or 'nothing'}; {model} takes {expected}")
        values = given[name]
        if values.dtype != _TYPES.get(kind, kind) or values.shape[1:] != shape or values.ndim == 0:
            raise ClientError(
                f"{source}: {name} is {values.dtype} of shape {values.shape}; {model} takes {_shown(kind, shape)}"
            )
        out[name], lengths[name] = (kind, np.ascontiguousarray(values)), len(values)
    if len(set(lengths.values())) != 1 or not all(lengths.values()):
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ClientError(f"{source}: rows are {told}; expected the same number of each, at least one")
    return out


def _shown(kind, shape):
    return f"{_TYPES.get(kind, kind)} ({', '.join(['n', *map(str, shape)])})"


def decode(url, model, given, protocol="http", rows=_ROWS, *, source="the input"):
    """Return the outputs by name of all rows, asked for in parts.

    Raises
    ------
    ClientError
        Which says whether the request is wrong or the server failed, and where.
    """
    server = Connection(url, protocol)
    start, count, parts = 0, 0, []
    try:
        takes, outputs = server.described(model)
        inputs = fitting(given, takes, model, source)
        count = len(next(iter(inputs.values()))[1])
        for start in range(0, count, rows):
            part = {name: (kind, values[start : start + rows]) for name, (kind, values) in inputs.items()}
            parts.append(server.ask(model, part, outputs))
    except tuple(server.problems) as problem:
        if not count:
            how = "give another model" if server.refused(problem) else "start the server, or give its address"
            raise ClientError(f"{model} on {server.name} cannot be asked: {problem}; {how}") from problem
        refused = server.refused(problem)
        what, how = ("refused what it got from", "mend that") if refused else ("failed at", "start the server again")
        raise ClientError(
            f"{model} on {server.name} {what} row {start} of {count}: {problem}; nothing was written, {how} and repeat"
        ) from problem
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def read(path):
    """Return the arrays of a file by name; ClientError when it is no file of numpy's savez."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except FileNotFoundError as problem:
        raise ClientError(f"{path} is missing; expected the model's inputs as numpy.savez writes them") from problem
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile) as problem:
        raise ClientError(f"{path} cannot be read ({problem}); expected what numpy.savez writes") from problem


def write(path, found):
    """Write arrays by name; a file that is only half there is never seen under its name."""
    handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix="writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **found)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main(url, model, events, charges, protocol="http", rows=str(_ROWS)):  # noqa: PLR0917
    """Decode a file."""
    if not rows.isdecimal() or not int(rows):
        raise ClientError(f"rows a request are {rows!r}; expected a whole number from 1, for example {_ROWS}")
    out = Path(charges)
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise ClientError(f"{charges} cannot be written; expected a file in a directory that is there")
    if out.exists() and Path(events).exists() and out.samefile(events):
        raise ClientError(f"{charges} is the file that is read; expected another one for the charges")
    found = decode(url, model, read(events), protocol, int(rows), source=events)
    try:
        write(out, found)
    except OSError as problem:
        raise ClientError(f"{charges} cannot be written: {problem.strerror}; choose another place") from problem


def _run(arguments):
    if arguments in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    try:
        if not 4 <= len(arguments) <= 6:
            usage = __doc__.splitlines()[0].partition(": ")[2].rstrip(".")
            raise ClientError(f"{len(arguments)} arguments were given; expected {usage}")
        main(*arguments)
    except ClientError as problem:
        print(f"client: {' '.join(str(problem).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:]))
