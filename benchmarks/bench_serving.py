"""Decoding on an inference server against decoding in the process: python benchmarks/bench_serving.py [RUN ...]

A real Triton server (econ-ae export --format triton) on loopback, on the same machine and cores as its clients. What is
asked are frames, which it unpacks and decodes. In the process: the same two steps, numpy and ONNX Runtime on one
thread, without a server. By default the network of the preset frontier-4elinks after a few steps of training: its
weights do not matter here.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app import pipeline
from econ_ae.app.export.networks import networks_of
from econ_ae.app.export.triton.server.frames import unpack
from econ_ae.app.export.triton.write import events, write
from econ_ae.app.run.context import Context, open_run
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data
from econ_ae.config import load_preset, parse
from econ_ae.files import read_json
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.tensor.onnx_runtime import OnnxModel

ROOT = Path(__file__).resolve().parents[1]
PRESET = "frontier-4elinks"
ROWS = (1, 64, 1024)
CLIENTS = (1, 8)
SECONDS = 3.0
_STARTED_WITHIN = 300


def small_run(folder: Path) -> Context:
    """Return a run of the preset, trained for a few steps."""
    settings = load_preset(PRESET).model_dump(mode="json")
    settings["data"] |= {"events": 600}
    settings["training"] |= {"epochs": 1, "batch": 32}
    settings["cells"] |= {"rule_events": 100, "steps": 4, "refits": 0}
    config = parse(settings, PRESET)
    prepared = data.prepare(config, LOW_DENSITY)
    context = Context(RunDirectory.create(folder, config), LOW_DENSITY, Silent())
    data.write(context, prepared)
    for name in ("train", "freeze"):
        pipeline.run_stage(context, name, repeat=False)
    return context


def in_process(folder: Path, model: str, given: dict[str, Any], rows: int) -> dict[str, float]:
    layout = read_json(folder / "models" / f"{model}_frame" / "1" / "frame.json")
    decoder = OnnxModel((folder / "models" / f"{model}_decoder" / "1" / "decoder.onnx").read_bytes())
    part = {name: np.resize(values, (rows, *values.shape[1:])) for name, values in given.items()}
    conditions = {name: values for name, values in part.items() if name != "frame"}
    seconds: list[float] = []
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        start = time.perf_counter()
        decoder.run({**unpack(layout, part["frame"]), **conditions})
        seconds.append(time.perf_counter() - start)
    return {
        "requests_per_s": len(seconds) / sum(seconds),
        "p50_ms": float(np.quantile(seconds, 0.5)) * 1e3,
        "p99_ms": float(np.quantile(seconds, 0.99)) * 1e3,
    }


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def started(folder: Path, place: Path, ports: tuple[int, int], log: Path) -> subprocess.Popen[bytes]:
    arguments = [str(folder / "start-server"), str(place), *map(str, ports)]
    with log.open("wb") as stream:
        server = subprocess.Popen(arguments, stdout=stream, stderr=stream, start_new_session=True)
    until = time.monotonic() + _STARTED_WITHIN
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/v2/health/ready", timeout=5):
                return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise SystemExit(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def line(how: str, rows: int, clients: int | str, found: dict[str, float]) -> None:
    rate = found["requests_per_s"]
    print(
        f"| {how} | {rows} | {clients} | {rate:,.0f} | {rate * rows:,.0f} | {found['p50_ms']:.2f} | "
        f"{found['p99_ms']:.2f} |",
        flush=True,
    )


def measure(context: Context, work: Path, place: Path) -> None:
    networks = networks_of(context)
    model, folder = networks.model.name, work / "export"
    folder.mkdir()
    write(folder, {model: context}, 1)
    given = events(networks, context.rows("report"))
    np.savez(work / "events.npz", **given)
    print(f"\n{model}\n\n| | modules a request | clients | requests/s | modules/s | p50, ms | p99, ms |")
    print("|---|---|---|---|---|---|---|")
    for rows in ROWS:
        line("in the process", rows, "-", in_process(folder, model, given, rows))
    ports = free_port(), free_port()
    server = started(folder, place, ports, work / "server.log")
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        for protocol, port in zip(("http", "grpc"), ports, strict=True):
            for rows in ROWS:
                for clients in CLIENTS:
                    arguments = [f"127.0.0.1:{port}", protocol, model, work / "events.npz", rows, clients, SECONDS]
                    program = [place / "bin" / "python", ROOT / "benchmarks" / "serving_load.py", *arguments]
                    printed = subprocess.run(
                        list(map(str, program)), capture_output=True, text=True, check=True, env=own
                    ).stdout
                    line(protocol, rows, clients, json.loads(printed))
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def main() -> None:
    place = Path(os.environ.get("ECON_AE_SERVE", ROOT / ".serve"))
    subprocess.run([str(ROOT / "scripts" / "serve-environment"), str(place)], check=True)
    for path in sys.argv[1:] or [""]:
        with tempfile.TemporaryDirectory() as work:
            context = open_run(Path(path), Silent()) if path else small_run(Path(work) / "run")
            measure(context, Path(work), place)


if __name__ == "__main__":
    main()
