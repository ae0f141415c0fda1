"""`econ-ae import`: a run directory of a model that somebody else trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app import pipeline
from econ_ae.app.imported import bare, decoder, encoder_layers, layers, registers
from econ_ae.app.imported.decoder import Decoder
from econ_ae.app.imported.encoder import INPUT, Encoder, Stage
from econ_ae.app.imported.hgq2 import layers as hgq2_layers
from econ_ae.app.imported.hgq2.process import described
from econ_ae.app.imported.layers import Layer
from econ_ae.app.imported.onnx import encoder as onnx_encoder
from econ_ae.app.imported.onnx import graph
from econ_ae.app.imported.settings import CHIP, NEAREST, Choice
from econ_ae.app.imported.stored import Array, Stored, read
from econ_ae.app.run.context import TRAINING, Context
from econ_ae.app.run.directory import RunDirectory, Stopwatch, check_free
from econ_ae.app.stages import data, train
from econ_ae.config import RunConfig, changed, parse
from econ_ae.data.module_conditions import Conditions
from econ_ae.errors import ConfigError, ModelError, did_you_mean
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.validate import frame_capacity, keep_bits
from econ_ae.progress import Progress

FORMATS = ("qkeras", "qonnx", "hgq2", "econt-yaml")
COLLABORATION = ("eta", "v", "u", "thickness", "log_sum", "layer")
"""Conditions of the collaboration's decoders, in the order of their eight columns behind the latents."""


@dataclass(frozen=True)
class Files:
    """What is read.

    Parameters
    ----------
    encoder : the model, or the registers
    architecture : JSON of its layers, where the file has weights alone
    decoder, decoder_architecture : the same of the decoder
    """

    encoder: Path
    architecture: Path | None = None
    decoder: Path | None = None
    decoder_architecture: Path | None = None


@dataclass(frozen=True)
class Imported:
    """The run that was made, and what was assumed, a sentence each."""

    context: Context
    messages: tuple[str, ...]


def read_encoder(files: Files, form: str, choice: Choice) -> Encoder:
    """Return the encoder in a file; ConfigError, ModelError, DataError, RegisterError say what is wrong with it."""
    if form not in FORMATS:
        known = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise ConfigError(f"format {form!r} is unknown; expected {known}{did_you_mean(form, FORMATS)}")
    if form == "econt-yaml":
        return registers.encoder(files.encoder, choice)
    if form == "qonnx":
        return onnx_encoder.translate(graph.read(files.encoder), choice)
    if form == "hgq2":
        return hgq2_layers.translate(described(files.encoder, choice.python), choice)
    stored = read(files.encoder, files.architecture)
    if stored.config is None:
        found = bare.encoder(stored, choice)
    else:
        chain = layers.chain(stored, "encoder")
        found = encoder_layers.translate(stored, chain, _image(stored, chain), choice)
    return reordered(found) if choice.dense_order == "in-out" else found


def _image(stored: Stored, chain: Sequence[Layer]) -> tuple[int, ...]:
    """Return the shape of the image: of the input, or what its values are first made of."""
    shapes = [shape for shape in layers.input_shapes(stored, "encoder") if len(shape) > 1]
    if chain and chain[0].kind == "Reshape" and not shapes:
        shapes = [tuple(chain[0].config.get("target_shape", ()))]
    if not shapes:
        raise ModelError(f"{stored.source}: its architecture names no image as input")
    return shapes[0]


def reordered(found: Encoder) -> Encoder:
    """Give the first dense kernel the order in which the published register files were packed (ECON-T, spec 7).

    They are packed input-major and read output-major: that gives what such a chip computes, not what was trained.
    """
    dense = next(stage for stage in found.stages if not stage.conv)
    dense.kernel = dense.kernel.reshape(-1).reshape(dense.kernel.shape[::-1]).T.copy()
    found.say("the dense kernel is scrambled as the published register files are (--dense-order in-out)")
    return found


def read_decoder(files: Files, found: Encoder) -> Decoder | None:
    """Return the decoder in a file; None where none was given."""
    if files.decoder is None:
        return None
    stored = read(files.decoder, files.decoder_architecture)
    if stored.config is None:
        return decoder.bare(stored, found.arrangement)
    shapes = [shape for shape in layers.input_shapes(stored, "decoder") if len(shape) == 1]
    return decoder.translate(stored, layers.chain(stored, "decoder"), shapes[0][0] if shapes else 0)


def configuration(found: Encoder, decoded: Decoder | None, choice: Choice) -> RunConfig:
    """Return the settings of a run with this encoder and decoder, on generated images unless they are changed."""
    latents, latent = found.stages[-1].kernel.shape[-1], found.stages[-1].out
    assert latent is not None  # finished
    keep = choice.keep or found.kept
    elinks = choice.elinks
    if keep is None:
        keep = latent.width if elinks is None else keep_bits(latents, latent.width, elinks)
        if elinks is None and latents * latent.width > frame_capacity(5):
            keep = keep_bits(latents, latent.width, 5)
    settings: dict[str, Any] = {
        "name": choice.name,
        "encoder": {
            "arrangement": found.arrangement.name,
            "input": str(INPUT),
            "conv": [_conv(stage) for stage in found.stages if stage.conv],
            "dense": [_dense(stage) for stage in found.stages if not stage.conv],
        },
        "hardware": {
            "accumulate": "trn_each" if choice.arithmetic == CHIP else "exact",
            "weights": found.choice.weights or NEAREST,
            "keep": min(keep, latent.width),
            "elinks": elinks,
        },
        "training": {"trains": "decoder"} if decoded is None else {},
    }
    if decoded is not None:
        settings["decoder"] = {
            "kind": "chain",
            "chain": decoded.chain,
            "conditions": _conditions(decoded, latents, choice),
        }
    return parse(settings, "imported model")


def _conditions(decoded: Decoder, latents: int, choice: Choice) -> Sequence[str]:
    more = decoded.inputs - latents
    names = choice.conditions
    if names is None:
        names = COLLABORATION if more == Conditions(COLLABORATION).width else ()
        if names:
            decoded.messages.append(
                f"the decoder's {more} columns behind the latents are read as {', '.join(names)}, as in the "
                "collaboration's training; give --conditions if they are others"
            )
    if Conditions(tuple(names)).width != more:
        raise ConfigError(
            f"the decoder takes {decoded.inputs} values, the encoder sends {latents}: {more} more than that; expected "
            f"conditions of that many columns in --conditions, not {', '.join(names) or 'none'}"
        )
    return names


def _conv(stage: Stage) -> dict[str, Any]:
    plain = not any(map(any, stage.padding))
    return {
        "filters": stage.kernel.shape[3],
        "kernel": _one(stage.kernel.shape[0], stage.kernel.shape[1]),
        "stride": _one(*stage.strides),
        "padding": "same" if stage.same and not plain else "valid" if plain else stage.padding,
        **_formats(stage),
    }


def _dense(stage: Stage) -> dict[str, Any]:
    return {"units": stage.kernel.shape[1], **_formats(stage)}


def _formats(stage: Stage) -> dict[str, Any]:
    bias = None if stage.bias_format == stage.weight else str(stage.bias_format)
    own = {"rounding": str(stage.rounding), "overflow": str(stage.overflow)}
    return {"weight": str(stage.weight), "bias": bias, "activation": str(stage.out), **own}


def _one(rows: int, cols: int) -> int | tuple[int, int]:
    return rows if rows == cols else (rows, cols)


def import_model(
    files: Files,
    form: str,
    choice: Choice,
    out: Path,
    progress: Progress,
    *,
    source: str | None = None,
    events: int | None = None,
    overwrite: bool = False,
) -> Imported:
    """Make a run of a model: its data, its weights as the training, and its integer model.

    Without a decoder the training stage trains one on the run's data while the encoder stays as it is.

    Parameters
    ----------
    source : of the run's data; None generates images
    events : to generate, or to read of the source

    Raises
    ------
    ConfigError, ModelError, DataError, RegisterError
        What is wrong with the files: names the layer, and why.
    RunDirectoryError
        When ``out`` is there and may not be replaced.
    """
    check_free(out, overwrite=overwrite)
    found = read_encoder(files, form, choice)
    decoded = read_decoder(files, found)
    config = configuration(found, decoded, choice)
    config = changed(config, "options", data={"source": source, "events" if source is None else "limit": events})
    prepared = data.prepare(config, LOW_DENSITY, progress)
    pipeline.check_settings(config, LOW_DENSITY, prepared.rows)
    context = Context(RunDirectory.create(out, config, overwrite=overwrite), LOW_DENSITY, progress)
    with context.run.lock(progress):
        data.write(context, prepared)
        watch = Stopwatch()
        _store(context, found, decoded)
        if decoded is None:
            pipeline.run_stage(context, "train", repeat=False)
        else:
            written = train.files(context.path(TRAINING))
            context.run.record("train", context.run.inputs_of(["data"]), written, watch.seconds())
        pipeline.run_stage(context, "freeze", repeat=False)
    return Imported(context, (*found.messages, *(decoded.messages if decoded else ())))


def _store(context: Context, found: Encoder, decoded: Decoder | None) -> None:
    from econ_ae.training.imported import store

    names = {True: "conv", False: "dense"}
    weights: dict[str, tuple[Array, Array]] = {}
    for conv in (True, False):
        for i, stage in enumerate(stage for stage in found.stages if stage.conv == conv):
            weights[f"{names[conv]}{i}"] = (np.asarray(stage.kernel), np.asarray(stage.bias))
    store(
        context.config, context.geometry, weights, None if decoded is None else decoded.weights, context.path(TRAINING)
    )
