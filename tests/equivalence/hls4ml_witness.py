"""The same QKeras encoder through hls4ml: a process of its own, because hls4ml needs another Keras under its name.

Usage: ``python hls4ml_witness.py PRESET EVENTS DIRECTORY BACKEND...`` with backends ``Catapult`` and ``Vitis``. Writes
``encoder.json`` (the frozen model), ``images.npy`` (integers), ``keras.npy`` and one ``<backend>.npy`` (integer
latents) into the directory, and hls4ml's projects below it.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.config import load_preset
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.ranges import accumulator_format
from econ_ae.training import artifact
from sim.stimulus.golden import live_pixels

sys.modules["keras"] = importlib.import_module("tf_keras")  # hls4ml looks for the Keras 2 of QKeras under this name
import hls4ml  # noqa: E402

ROUNDED = "RND_CONV,SAT"  # what tf.round and the clipping of a quantizer do


def precision(fmt: FixedFormat, modes: str = "") -> str:
    """Return a format in hls4ml's notation: width and bits left of the binary point."""
    inside = ",".join([str(fmt.width), str(fmt.width - fmt.fraction), *([modes] if modes else [])])
    return f"{'' if fmt.signed else 'u'}fixed<{inside}>"


def exact_config(encoder: Any, model: EncoderModel, backend: str) -> dict[str, Any]:
    """Return the hls4ml configuration under which nothing is rounded where QKeras does not round."""
    config = hls4ml.utils.config_from_keras_model(encoder, granularity="name", backend=backend)
    layers = config["LayerName"]
    layers["image"]["Precision"]["result"] = precision(model.normalise.out)
    for stage in model.stages:
        total = precision(accumulator_format(stage))
        name = stage.layer.name
        layers[name]["Precision"] |= {
            "weight": precision(stage.layer.weight),
            "bias": precision(stage.layer.bias_format),
            "accum": total,
            "result": total,
        }
        layers[f"{name}_linear"]["Precision"]["result"] = total
        layers[stage.requantise.name]["Precision"]["result"] = precision(stage.requantise.out, ROUNDED)
    return config


def main(preset: str, events: int, directory: Path, backends: list[str]) -> None:
    config = load_preset(preset)
    encoder = artifact.build(config, LOW_DENSITY).encoder
    rng = np.random.default_rng(events)
    for variable in encoder.trainable_variables:
        values = rng.normal(0, 0.3, variable.shape)
        variable.assign(np.clip(values, variable.constraint.low, variable.constraint.high).astype(np.float32))
    model = artifact.freeze_run(config, LOW_DENSITY, artifact.Networks(encoder, None), {})
    top = model.normalise.out.max
    images = rng.integers(0, top, (events, *model.input.arrangement.shape), endpoint=True)
    images[1::2] >>= rng.integers(0, 8, (len(images[1::2]), 1, 1, 1))
    images *= live_pixels(model)  # QKeras and hls4ml read the others, the C++ does not
    inputs = np.ascontiguousarray(images * 2.0**-model.normalise.out.fraction, np.float32)

    def save(name: str, outputs: Any) -> None:
        integers = np.asarray(outputs, np.float64).reshape(events, -1) * 2.0**model.latent.fraction
        assert np.array_equal(integers, np.rint(integers)), f"{name} left the grid of {model.latent}"
        np.save(directory / f"{name}.npy", integers.astype(np.int64))

    directory.mkdir(parents=True, exist_ok=True)
    (directory / "encoder.json").write_text(codec.dumps(model), encoding="utf-8")
    np.save(directory / "images.npy", images)
    save("keras", encoder.predict(inputs, batch_size=1024, verbose=0))
    for backend in backends:
        project = hls4ml.converters.convert_from_keras_model(
            encoder,
            hls_config=exact_config(encoder, model, backend),
            output_dir=str(directory / backend),
            backend=backend,
            io_type="io_parallel",
        )
        project.compile()
        save(backend, project.predict(inputs))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
