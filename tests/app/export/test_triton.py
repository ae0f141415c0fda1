"""Decoders on a real inference server: the frames that its code unpacks, both protocols, and a server that dies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.app.export.networks import BOUND, networks_of, received
from econ_ae.app.export.triton.server.frames import FrameError, unpack
from econ_ae.app.export.triton.write import events, write
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.files import read_json
from tests.app.export.serving import Server, required_environment
from tests.required import require_onnx

Command = Callable[..., tuple[int, str, str]]
require_onnx()


@pytest.fixture(scope="module")
def repository(layers_run: Context, cells_run: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of two runs, on 3 and on 4 eLinks, whose decoders know different things."""
    folder = tmp_path_factory.mktemp("triton") / "export"
    folder.mkdir()
    found = write(folder, {"layers": layers_run, "cells": cells_run}, 2)
    assert all(one.charges < BOUND and one.events > 50 for one in found)
    return folder


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(repository, required_environment(), tmp_path_factory.mktemp("server") / "log") as found:
        yield found


def stored(path: Path, given: dict[str, Any]) -> Path:
    np.savez(path, **given)
    return path


def close(context: Context, charges: Any) -> bool:
    rows = context.rows("report")
    own = reconstruct(context, context.model(), rows).charges
    return bool((np.abs(charges - own) / np.maximum(rows.total, 1)[:, None]).max() < BOUND)


def test_the_servers_code_unpacks_what_frames_say(exported: Context, repository: Path) -> None:
    networks, rows = networks_of(exported), exported.rows("report")
    name = "cells" if networks.model.sends_cells else "layers"
    layout = read_json(repository / "models" / f"{name}_frame" / "2" / "frame.json")
    frames = events(networks, rows)["frame"]
    expected = received(exported, networks.model, rows)
    found = unpack(layout, frames)
    assert found
    for one, values in found.items():
        assert values.dtype == np.float32
        assert np.array_equal(values, expected[one]), one
    with pytest.raises(FrameError, match=r"frames must have shape \(n, "):
        unpack(layout, frames[:, 1:])
    if networks.model.sends_cells:
        with pytest.raises(FrameError):
            unpack(layout, frames | np.uint32(0xFFFFFFFF))


def test_the_export_of_a_run(layers_run: Context, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("export", str(layers_run.run.path), "--format", "triton", "--out", str(out))
    code, _, error = command(*arguments)
    assert code == 0, error
    manifest = json.loads((out / "export.json").read_text(encoding="utf-8"))
    assert manifest["models"] == ["small_layers", "small_layers_decoder", "small_layers_frame"]
    config = (out / "models" / "small_layers_decoder" / "config.pbtxt").read_text(encoding="utf-8")
    assert "dynamic_batching" in config
    assert command(*arguments)[0] == 2
    assert (out / "start-server").stat().st_mode & 0o111


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_charges_of_the_server_are_our_decoders(
    exported: Context, server: Server, tmp_path: Path, protocol: str
) -> None:
    networks, rows = networks_of(exported), exported.rows("report")
    name = "cells" if networks.model.sends_cells else "layers"
    given = stored(tmp_path / "events.npz", events(networks, rows))
    client = server.client(name, given, tmp_path / "charges.npz", protocol)
    assert (client.communicate(timeout=300), client.returncode) == (("", ""), 0)
    with np.load(tmp_path / "charges.npz") as found:
        assert close(exported, found["charges"])
        assert np.allclose(found["fractions"].sum(axis=1), 1, atol=1e-5)


def test_every_module_goes_to_the_decoder_of_its_links(
    layers_run: Context, cells_run: Context, server: Server, tmp_path: Path
) -> None:
    parts = [events(networks_of(one), one.rows("report")) for one in (layers_run, cells_run)]
    words = max(part["frame"].shape[1] for part in parts)
    counts = [len(part["frame"]) for part in parts]
    order = np.random.default_rng(1).permutation(sum(counts))
    columns = [
        {**part, "frame": np.pad(part["frame"], ((0, 0), (0, words - part["frame"].shape[1])))} for part in parts
    ]
    names = {name for part in columns for name in part}
    joined = {
        name: np.concatenate([
            part.get(name, np.full((count, 1), np.nan, np.float32)) for part, count in zip(columns, counts, strict=True)
        ])[order]
        for name in names
    }  # fmt: skip
    joined["links"] = np.repeat(np.array([3, 4], np.int32), counts)[order][:, None]
    client = server.client("by_links", stored(tmp_path / "in.npz", joined), tmp_path / "out.npz", "grpc", 50)
    assert (client.communicate(timeout=300), client.returncode) == (("", ""), 0)
    with np.load(tmp_path / "out.npz") as found:
        charges = np.empty_like(found["charges"])
        charges[order] = found["charges"]
    assert close(layers_run, charges[: counts[0]])
    assert close(cells_run, charges[counts[0] :])

    joined["links"][7] = 2
    client = server.client("by_links", stored(tmp_path / "in.npz", joined), tmp_path / "none.npz", "http", 50)
    _, error = client.communicate(timeout=300)
    assert client.returncode == 2
    assert "no decoder for 2 eLinks; there are: 3, 4" in error
    assert not (tmp_path / "none.npz").exists()


def test_a_damaged_frame_is_an_error_of_its_request(cells_run: Context, server: Server, tmp_path: Path) -> None:
    given = events(networks_of(cells_run), cells_run.rows("report"))
    given["frame"] = given["frame"] | np.uint32(0xFFFFFFFF)
    client = server.client("cells", stored(tmp_path / "in.npz", given), tmp_path / "out.npz", "http")
    _, error = client.communicate(timeout=300)
    assert client.returncode == 2
    assert "client: cells on 127.0.0.1:" in error
    assert "a frame has " in error
    assert not (tmp_path / "out.npz").exists()
    assert server.ready()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_mistakes_of_the_user_are_not_the_servers(
    layers_run: Context, server: Server, tmp_path: Path, protocol: str
) -> None:
    given = events(networks_of(layers_run), layers_run.rows("report"))
    words = given["frame"].shape[1]

    def said(model: str, changed: dict[str, Any], rows: int = 64) -> str:
        client = server.client(model, stored(tmp_path / "in.npz", changed), tmp_path / "out.npz", protocol, rows)
        _, error = client.communicate(timeout=300)
        assert (client.returncode, error.count("\n"), "start the server" in error) == (2, 1, False), error
        return error

    line = said("layer", given)
    assert f"({protocol}) cannot be asked: " in line
    assert line.endswith("; give another model\n")
    assert f"in.npz has no frame, only eta; layers takes frame uint32 (n, {words})" in said(
        "layers", {"eta": given["eta"]}
    )
    assert "eta is float64 of shape" in said("layers", given | {"eta": given["eta"].astype(float)})
    line = said("layers", {name: np.concatenate([values] * 50) for name, values in given.items()}, 1 << 20)
    assert f"({protocol}) refused what it got from row 0 of " in line
    assert "batch-size must be <= " in line
    assert server.ready()


def wait_until(reached: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < until, f"not reached in {seconds} s"
        time.sleep(0.05)


def test_a_server_that_dies_in_mid_stream(
    layers_run: Context, cells_run: Context, server: Server, tmp_path: Path
) -> None:
    given = {"layers": events(networks_of(layers_run), layers_run.rows("report")),
             "cells": events(networks_of(cells_run), cells_run.rows("report"))}  # fmt: skip
    protocols = {"layers": "http", "cells": "grpc"}
    before = {model: server.answered(model) for model in protocols}
    clients = {}
    for model, protocol in protocols.items():
        many = {name: np.concatenate([values] * 200) for name, values in given[model].items()}
        stored(tmp_path / f"{model}.npz", many)
        clients[model] = server.client(model, tmp_path / f"{model}.npz", tmp_path / f"{protocol}.npz", protocol, 1)
    wait_until(lambda: all(server.answered(model) > before[model] + 20 for model in protocols))
    assert [one.poll() for one in clients.values()] == [None, None]  # both are in the middle
    server.kill()
    for model, protocol in protocols.items():
        _, error = clients[model].communicate(timeout=200)
        assert clients[model].returncode == 2, error
        assert error.startswith(f"client: {model} on 127.0.0.1:"), error
        assert f"({protocol}) failed at row " in error
        assert "failed at row 0 of" not in error
        assert error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"layers.npz", "cells.npz"}  # nothing half-written

    server.start()
    client = server.client("layers", stored(tmp_path / "in.npz", given["layers"]), tmp_path / "out.npz", "grpc")
    assert (client.communicate(timeout=300), client.returncode) == (("", ""), 0)
    with np.load(tmp_path / "out.npz") as found:
        assert close(layers_run, found["charges"])
