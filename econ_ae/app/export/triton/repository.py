"""The files of a model repository: what every decoder needs on the server, and who asks whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from econ_ae.app.export.frames import conditions, fields_of, frame_words
from econ_ae.app.export.networks import Networks
from econ_ae.data.module_conditions import DEFINITIONS
from econ_ae.econt.autoencoder import kept_fields
from econ_ae.errors import ConfigError
from econ_ae.ir import codec
from econ_ae.ir.model import EncoderModel
from econ_ae.tensor.onnx import to_onnx
from econ_ae.texts import renderer

BATCH = 4096
"""Most modules in a request."""
DELAY = 200
"""Microseconds that a request waits for others to be decoded with."""
BY_LINKS = "by_links"
_SERVER = Path(__file__).parent / "server"
_OUTPUTS = ("fractions", "charges")
render = renderer(Path(__file__).parent / "templates")
"""Returns the text of ``templates/<template>.j2``; a value that the template misses is an error."""


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model on the server."""

    name: str
    size: int
    type: str = "TYPE_FP32"


def repository(decoders: Mapping[str, Networks], version: int) -> dict[str, bytes]:
    """Return the files of a repository by relative path.

    Every decoder is an ensemble under its own name, ``frame`` (and conditions) to ``fractions`` and ``charges``: the
    model ``NAME_frame`` unpacks, ``NAME_decoder`` runs the ONNX graph. Where they differ in their number of eLinks,
    ``by_links`` gives every module's frame to the one of its ``links``.

    Raises
    ------
    ConfigError
        When two models would have the same name.
    """
    made = [_decoder(name, networks, version) for name, networks in decoders.items()]
    if len(decoders) > 1 and by_links_problem(decoders) is None:
        made.append(_by_links(decoders, version))
    files: dict[str, bytes] = {}
    for one in made:
        if both := {Path(file).parts[0] for file in files} & {Path(file).parts[0] for file in one}:
            raise ConfigError(f"two models on the server would be called {min(both)}; give the runs other names")
        files |= one
    return files


def by_links_problem(decoders: Mapping[str, Networks]) -> str | None:
    """Return why no model can choose between decoders by the number of eLinks: which have the same; or None."""
    of_links: dict[int, list[str]] = {}
    for name, networks in decoders.items():
        of_links.setdefault(networks.model.elinks, []).append(name)
    same = [f"{', '.join(names)} have {elinks}" for elinks, names in sorted(of_links.items()) if len(names) > 1]
    if not same:
        return None
    return f"there is no model {BY_LINKS}: {'; '.join(same)} eLinks, so that these do not say whose frame it is"


def _decoder(name: str, networks: Networks, version: int) -> dict[str, bytes]:
    model = networks.model
    digest = codec.sha256(model)
    known = [Tensor(one, 1) for one in conditions(networks.decoder)]
    of_frame = [Tensor(v.name, v.shape[0]) for v in networks.decoder.inputs if v.name not in DEFINITIONS]
    results = [Tensor(one, value.shape[0]) for one, value in networks.decoder.outputs]
    frame = Tensor("frame", frame_words(model), "TYPE_UINT32")
    graph = to_onnx(networks.decoder, {"econ_ae.model": model.name, "econ_ae.model_sha256": digest})
    same: dict[str, Any] = {"version": version, "batch": BATCH, "sha256": digest}
    steps = [
        {"name": f"{name}_frame", "inputs": [("frame", "frame")], "outputs": [(t.name, t.name) for t in of_frame]},
        {
            "name": f"{name}_decoder",
            "inputs": [(t.name, t.name) for t in (*of_frame, *known)],
            "outputs": [(t.name, t.name) for t in results],
        },
    ]
    layout = json.dumps(_layout(model)) + "\n"
    return {
        f"{name}/config.pbtxt": _config(
            name, f"frames of {model.name} to charges", [frame, *known], results, steps=steps, **same
        ),
        f"{name}/{version}/about.txt": b"An ensemble has no files of its own.\n",
        f"{name}_frame/config.pbtxt": _config(
            f"{name}_frame", f"frames of {model.name} to what they say", [frame], of_frame, **same
        ),
        f"{name}_frame/{version}/model.py": _source("frame_model.py"),
        f"{name}_frame/{version}/frames.py": _source("frames.py"),
        f"{name}_frame/{version}/frame.json": layout.encode(),
        f"{name}_decoder/config.pbtxt": _config(
            f"{name}_decoder", f"decoder of {model.name}", [*of_frame, *known], results, delay=DELAY, **same
        ),
        f"{name}_decoder/{version}/model.py": _source("decoder_model.py"),
        f"{name}_decoder/{version}/decoder.onnx": graph,
    }


def _by_links(decoders: Mapping[str, Networks], version: int) -> dict[str, bytes]:
    known = list(dict.fromkeys(one for networks in decoders.values() for one in conditions(networks.decoder)))
    words = max(frame_words(networks.model) for networks in decoders.values())
    cells = next(iter(decoders.values())).model.input.cells
    links = {
        str(networks.model.elinks): {
            "name": name,
            "words": frame_words(networks.model),
            "inputs": ["frame", *conditions(networks.decoder)],
        }
        for name, networks in sorted(decoders.items(), key=lambda one: one[1].model.elinks)
    }
    inputs = [Tensor("links", 1, "TYPE_INT32"), Tensor("frame", words, "TYPE_UINT32"), *(Tensor(k, 1) for k in known)]
    digest = ", ".join(codec.sha256(networks.model) for networks in decoders.values())
    config = _config(
        BY_LINKS,
        "frames to the decoder of their number of eLinks; words beyond these are not read",
        inputs,
        [Tensor(name, cells) for name in _OUTPUTS],
        version=version,
        batch=BATCH,
        sha256=digest,
    )
    return {
        f"{BY_LINKS}/config.pbtxt": config,
        f"{BY_LINKS}/{version}/model.py": _source("links_model.py"),
        f"{BY_LINKS}/{version}/links.json": (json.dumps(links, indent=1) + "\n").encode(),
    }


def _layout(model: EncoderModel) -> dict[str, Any]:
    if not model.sends_cells:
        zeros, fields = kept_fields(model.pack.keep, model.elinks)
        return {
            "words": frame_words(model),
            "zeros": zeros,
            "fields": fields,
            "latents": model.latents,
            "width": model.latent.width,
            "signed": model.latent.signed,
            "fraction": model.latent.fraction,
        }
    choose = model.cell_code.choose
    return {
        "words": frame_words(model),
        "cells": model.input.cells,
        "mode_bits": choose.mode_bits,
        "modes": [[fields_of(model, one) for one in (mode.shared, mode.exact)] for mode in choose.modes],
    }


def _source(name: str) -> bytes:
    return (_SERVER / name).read_bytes()


def _config(name: str, meaning: str, inputs: list[Tensor], outputs: list[Tensor], **values: Any) -> bytes:
    text = render(
        "config.pbtxt",
        **{"steps": [], "delay": 0, **values},
        name=name,
        meaning=meaning,
        inputs=inputs,
        outputs=outputs,
    )
    return text.encode()
