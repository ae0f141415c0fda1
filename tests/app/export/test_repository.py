"""The files of a model repository, without a server: what it has not is said, and names never meet."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from econ_ae.app.export.networks import Networks, networks_of
from econ_ae.app.export.triton.repository import by_links_problem, repository
from econ_ae.app.export.triton.write import write
from econ_ae.app.run.context import Context
from econ_ae.errors import ConfigError
from econ_ae.ir.model import Pack
from econ_ae.progress import Silent
from tests.app.export.made import made, second_decoder
from tests.required import require_onnx

Run = Callable[[str], Context]
require_onnx()


class Heard(Silent):
    """What was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def on(networks: Networks, elinks: int) -> Networks:
    """Return networks whose encoder sends on another number of eLinks."""
    model = networks.model
    return replace(networks, model=replace(model, ops=(*model.ops[:-1], Pack(model.pack.keep, elinks))))


def models(decoders: dict[str, Networks]) -> set[str]:
    return {Path(file).parts[0] for file in repository(decoders, 1)}


def test_two_classes_with_one_number_of_links_have_no_model_by_links_and_it_is_said(run: Run, tmp_path: Path) -> None:
    heard, members = Heard(), {"front": run("paper"), "back": run("signed"), "rest": run("chip")}
    write(tmp_path, members, 1, progress=heard)
    problem = "there is no model by_links: front, back have 2 eLinks, so that these do not say whose frame it is"
    assert heard.lines == [f"warning: {problem}; ask every decoder by its name"]
    manifest = json.loads((tmp_path / "export.json").read_text(encoding="utf-8"))
    assert manifest["no_by_links"] == problem
    assert "by_links" not in manifest["models"]
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"**T{problem[1:]}.** Ask every decoder by its name." in page
    assert "| `by_links` |" not in page
    assert "\n\n\n" not in page


def test_classes_with_links_of_their_own_have_one(run: Run, tmp_path: Path) -> None:
    heard = Heard()
    write(tmp_path, {"far": run("paper"), "near": run("chip")}, 1, progress=heard)
    manifest = json.loads((tmp_path / "export.json").read_text(encoding="utf-8"))
    assert (heard.lines, manifest["no_by_links"]) == ([], None)
    assert "by_links" in manifest["models"]
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| `by_links` |" in page
    assert "no model" not in page
    assert "\n\n\n" not in page


def test_every_number_that_is_shared_is_named(run: Run) -> None:
    one = networks_of(run("paper"))
    found = by_links_problem({"a": one, "b": on(one, 3), "c": one, "d": on(one, 3), "e": on(one, 5)})
    assert found is not None
    assert "a, c have 2; b, d have 3 eLinks" in found
    assert by_links_problem({"a": one, "b": on(one, 3)}) is None


def test_names_that_meet_are_refused(run: Run, tmp_path: Path) -> None:
    one = networks_of(run("paper"))
    assert models({"a": one, "a_x": on(one, 3)}) >= {"a", "a_frame", "a_x", "a_x_frame", "by_links"}
    with pytest.raises(ConfigError, match="two models on the server would be called a_frame; give the runs"):
        repository({"a": one, "a_frame": on(one, 3)}, 1)
    with pytest.raises(ConfigError, match="would be called by_links"):
        repository({"a": one, "by_links": on(one, 3)}, 1)
    knowing = second_decoder(made(tmp_path / "knowing", "knowing"))
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="a, a_unconditional would not have names of their own on the server"):
        write(tmp_path / "out", {"a": knowing, "a_unconditional": run("paper")}, 1, "unconditional")
