"""Decoders of every kind as plain C++ against the same programs in numpy."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from econ_ae.config import RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.geometry import LOW_DENSITY
from econ_ae.tensor.cpp import to_cpp
from econ_ae.tensor.encoder import encoder_program
from econ_ae.tensor.program import Program
from econ_ae.tensor.run import run
from econ_ae.training import artifact
from econ_ae.training.export import receiver
from tests.hls_toolchain import require_toolchain
from tests.tensor.encoders import chip, images
from tests.training.export.test_programs import DECODERS, events, randomise

EVENTS = 20


def programs() -> dict[str, Program]:
    found = {"encoder": encoder_program(chip())}
    for number, settings in enumerate(DECODERS.values()):
        config = RunConfig.model_validate({"decoder": settings})
        networks = artifact.build(config, LOW_DENSITY)
        randomise(networks.decoder)
        model = skeleton(config, LOW_DENSITY)
        found[f"decoder{number}"] = receiver.latents_program(config, networks, model)
    return found


def given(program: Program) -> dict[str, np.ndarray]:
    rng, batch = np.random.default_rng(3), events(EVENTS)
    known = {"eta": "eta", "layer": "detector_layer", "u": "wafer_u", "v": "wafer_v", "thickness": "thickness"}
    out = {}
    for value in program.inputs:
        if value.name in known:
            out[value.name] = np.asarray(batch.metadata[known[value.name]], np.float32)[:, None]
        elif value.name == "sum":
            out[value.name] = batch.total[:, None].astype(np.float32)
        elif value.name == "image":
            out[value.name] = (images(chip(), EVENTS) / 128).astype(np.float32)
        else:
            out[value.name] = rng.uniform(0, 1.9, (EVENTS, *value.shape)).astype(np.float32)
    return out


def test_every_kind(tmp_path: Path) -> None:
    require_toolchain()
    found = programs()
    calls, sources = [], []
    for name, program in found.items():
        for file, text in to_cpp(program, f"Net_{name}", "test").items():
            (tmp_path / file).write_text(text)
        sources.append(f"Net_{name}.cpp")
        inputs = given(program)
        flat = np.concatenate([inputs[value.name].reshape(EVENTS, -1) for value in program.inputs], axis=1)
        flat.astype(np.float32).tofile(tmp_path / f"{name}.in")
        sizes = [int(np.prod(value.shape)) for value in program.inputs]
        results = [int(np.prod(value.shape)) for _, value in program.outputs]
        starts = [f"in + {sum(sizes[:i])}" for i in range(len(sizes))]
        ends = [f"out + {sum(results[:i])}" for i in range(len(results))]
        calls.append(
            f'  events<test::Net_{name}>("{name}", {sum(sizes)}, {sum(results)}, '
            f"[](test::Net_{name} &net, const float *in, float *out) {{ net.run({', '.join(starts + ends)}); }});"
        )
    headers = "".join(f'#include "Net_{name}.h"\n' for name in found)
    (tmp_path / "main.cpp").write_text(
        f"""{headers}#include <fstream>
#include <memory>
#include <string>
#include <vector>
template <class Net, class Run> void events(const std::string &name, int inputs, int outputs, Run run) {{
  std::ifstream in(name + ".in", std::ios::binary);
  std::ofstream out(name + ".out", std::ios::binary);
  std::vector<float> x(inputs), y(outputs);
  auto net = std::make_unique<Net>();
  while (in.read(reinterpret_cast<char *>(x.data()), 4 * inputs)) {{
    run(*net, x.data(), y.data());
    out.write(reinterpret_cast<char *>(y.data()), 4 * outputs);
  }}
}}
int main() {{
{chr(10).join(calls)}
}}
"""
    )
    flags = ["-std=c++14", "-O1", "-Wall", "-Werror"]
    subprocess.run(["g++", *flags, "main.cpp", *sources, "-o", "main"], cwd=tmp_path, check=True)
    subprocess.run([str(tmp_path / "main")], cwd=tmp_path, check=True)
    for name, program in found.items():
        inputs = given(program)
        own = run(program, inputs)
        expected = np.concatenate([own[output].reshape(EVENTS, -1) for output, _ in program.outputs], axis=1)
        got = np.fromfile(tmp_path / f"{name}.out", np.float32).reshape(expected.shape)
        if name == "encoder":
            assert np.array_equal(got, expected)
            assert len(np.unique(got)) > 50
        else:
            scale = np.concatenate([np.ones((EVENTS, 48)), np.maximum(inputs["sum"], 1) * np.ones((1, 48))], axis=1)
            assert (np.abs(got - expected) / scale).max() < 2e-6
