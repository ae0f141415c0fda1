"""Decoding on an inference server against decoding in the process: python benchmarks/bench_serving.py [RUN ...]

A real Triton server (econ-ae export --format triton) on loopback, on the same machine and cores as its clients. What is
asked are frames, which it unpacks and decodes. In the process: the same two steps, numpy and ONNX Runtime on one
thread, without a server. By default the network of the preset frontier-4elinks after a few steps of training: its
weights do not matter here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from inference_server import ROOT, Server, ServerError, environment, own_variables

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

PRESET = "frontier-4elinks"
ROWS = (1, 64, 1024)
CLIENTS = (1, 8)
SECONDS = 3.0


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
    with Server(folder, place, work / "server.log") as server:
        for protocol in ("http", "grpc"):
            for rows in ROWS:
                for clients in CLIENTS:
                    arguments = [server.address(protocol), protocol, model, work / "events.npz", rows, clients, SECONDS]
                    line(protocol, rows, clients, loaded(place, list(map(str, arguments))))


def loaded(place: Path, arguments: list[str]) -> dict[str, float]:
    """Return what serving_load.py measures; SystemExit with its error when it fails."""
    program = [str(place / "bin" / "python"), str(ROOT / "benchmarks" / "serving_load.py"), *arguments]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, env=own_variables())
    if ended.returncode:
        raise SystemExit(f"bench_serving: the load {' '.join(arguments)} failed:\n{ended.stderr[-2000:]}")
    found: dict[str, float] = json.loads(ended.stdout)
    return found


def main() -> None:
    place = environment()
    for path in sys.argv[1:] or [""]:
        with tempfile.TemporaryDirectory() as work:
            context = open_run(Path(path), Silent()) if path else small_run(Path(work) / "run")
            measure(context, Path(work), place)


if __name__ == "__main__":
    try:
        main()
    except ServerError as problem:
        raise SystemExit(f"bench_serving: {problem}") from problem
