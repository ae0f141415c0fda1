"""The names that ``import econ_ae`` hands out: from a run to frames, charges, figures, and its errors."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

import econ_ae
from econ_ae.app import pipeline
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data
from econ_ae.config import parse
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from tests.required import require_module

mpl.use("Agg")


SMALL = {
    "data": {"events": 700},
    "training": {"epochs": 2, "batch": 32},
    "verify": {"real_events": 60, "random_events": 20},
    "report": {"elinks": [3]},
}
LAYERS = {"name": "layers", "decoder": {"conditions": ["eta", "log_sum"]}, **SMALL}
CELLS = {
    "name": "cells",
    "encoder": {"family": "cells"},
    "decoder": {"conditions": ["eta", "log_sum"]},
    "cells": {"rule_events": 150, "units": 4, "depth": 1, "steps": 4},
    "hardware": {"elinks": 3},
    **SMALL,
}


def trained(path: Path, settings: dict[str, Any]) -> econ_ae.Run:
    """Return a run of few steps, frozen."""
    config = parse(settings, "test")
    context = Context(RunDirectory.create(path, config), LOW_DENSITY, Silent())
    data.write(context, data.prepare(config, LOW_DENSITY))
    for name in ("train", "freeze"):
        pipeline.run_stage(context, name, repeat=False)
    return econ_ae.load(path)


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> econ_ae.Run:
    return trained(tmp_path_factory.mktemp("api") / "layers", LAYERS)


def test_only_the_package_hands_out_the_application() -> None:
    """The one exception to the rule that nothing below imports the application, by name and on first use."""
    package = Path(econ_ae.__file__)
    tree, stub = (ast.parse(path.read_text(encoding="utf-8")) for path in (package, package.with_suffix(".pyi")))
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert imported == ["importlib", "importlib.metadata", "typing"]
    assert sorted(econ_ae.__all__) == sorted(__import__("econ_ae.app.api", fromlist=["x"]).__all__)
    typed = [name.asname for node in stub.body if isinstance(node, ast.ImportFrom) for name in node.names]
    assert typed == econ_ae.__all__
    assert set(econ_ae.__all__) <= set(dir(econ_ae))
    with pytest.raises(AttributeError, match="has no attribute 'laod'; it has Comparison, "):
        econ_ae.laod  # noqa: B018


def test_the_import_is_light() -> None:
    code = (
        "import sys, econ_ae; "
        "assert not {'numpy', 'tensorflow', 'econ_ae.app'} & set(sys.modules), sorted(sys.modules); "
        "econ_ae.load; assert 'tensorflow' not in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_frames_carry_what_the_decoder_needs(layers: econ_ae.Run) -> None:
    images = layers.report_events()
    frames = layers.encoder.frames(images)
    assert (frames.shape, frames.dtype) == ((len(images), 13), np.uint32)
    assert not frames[:, layers.encoder.elinks :].any()
    received = layers.decoder.charges(frames, {"eta": images.metadata["eta"]})
    expected = reconstruct(layers.context, layers.model, images).charges
    np.testing.assert_array_equal(received, expected)
    np.testing.assert_array_equal(layers.emd(images), econ_ae.emd(images, expected))
    assert layers.encoder.latents(images).shape == (len(images), 16)
    # The crossing is in the header alone.
    later = layers.encoder.frames(images, np.full(len(images), 7))
    np.testing.assert_array_equal(layers.decoder.charges(later, images), expected)
    assert layers.dataset["synthetic"] is True
    assert layers.config.seed == 1


def test_arrays_lists_and_awkward_arrays_are_images(layers: econ_ae.Run) -> None:
    awkward = require_module("awkward", "pip install awkward")
    images = layers.report_events()[:4]
    frames = layers.frames(images)
    for given in (images.charges, images.charges.tolist(), awkward.Array(images.charges.tolist())):
        np.testing.assert_array_equal(layers.frames(given), frames)
    with pytest.raises(DataError, match=r"no array|have shape"):
        layers.frames(awkward.Array([[1, 2], [3]]))


def test_cells_go_through_frames_too(tmp_path: Path) -> None:
    run = trained(tmp_path / "cells", CELLS)
    images = run.report_events()
    frames = run.encoder.frames(images)
    expected = reconstruct(run.context, run.model, images).charges
    np.testing.assert_array_equal(run.decoder.charges(frames, images), expected)
    assert run.encoder.latents(images).shape == images.charges.shape


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        (np.zeros((2, 12), np.uint32), r"frames are uint32 of shape \(2, 12\); expected integers of \(n, 13\)"),
        (np.zeros((2, 13)), r"frames are float64 of shape \(2, 13\)"),
        ([1, 2], r"frames are int64 of shape \(2,\)"),
    ],
)
def test_frames_of_another_form_are_refused(layers: econ_ae.Run, frames: object, says: str) -> None:
    with pytest.raises(DataError, match=says):
        layers.decoder.charges(frames)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        (np.full((2, 13), -1), r"frames hold -1 to -1; expected words of 32 bits, 0\.\.4294967295"),
        (np.full((2, 13), 1 << 32), "frames hold 4294967296 to 4294967296"),
        ([[1, 2], [3]], "frames are no array: .*; expected rows of equal length"),
    ],
)
def test_words_of_another_width_are_not_wrapped(layers: econ_ae.Run, frames: object, says: str) -> None:
    with pytest.raises(DataError, match=says):
        layers.decoder.charges(frames)  # type: ignore[arg-type]


@pytest.mark.parametrize("crossing", [[3564, 0], [-1, 0], [0.5, 1.0], ["a", "b"]])
def test_crossings_are_those_of_an_orbit(layers: econ_ae.Run, crossing: list[Any]) -> None:
    images = layers.report_events()[:2]
    with pytest.raises(DataError, match=r"crossing is .*; expected integers 0\.\.3563"):
        layers.encoder.frames(images, crossing)
    assert len(layers.encoder.frames(images, [3563, 0])) == 2


def test_distances_are_of_numbers_of_any_type(layers: econ_ae.Run) -> None:
    images = layers.report_events()[:3]
    half = images.charges / 2
    np.testing.assert_allclose(econ_ae.emd(half, images), 0, atol=1e-9)
    np.testing.assert_array_equal(econ_ae.emd(images, images), np.zeros(3))
    with pytest.raises(DataError, match="charges are <U1; expected numbers"):
        econ_ae.emd([["a"] * 48], images)


def test_nothing_to_compare_says_so(layers: econ_ae.Run) -> None:
    images = layers.report_events()[:3]
    with pytest.raises(ConfigError, match="no algorithm to compare"):
        layers.compare(images, [])
    with pytest.raises(ConfigError, match="no eLinks to compare"):
        layers.compare(images, ["bc"], [])


def test_a_missing_condition_is_named(layers: econ_ae.Run) -> None:
    assert layers.decoder.conditions == ("eta", "log_sum")
    frames = layers.frames(layers.report_events()[:2])
    with pytest.raises(DataError, match="what is known of the modules has no column eta"):
        layers.decoder.charges(frames)
    with pytest.raises(DataError, match="eta"):
        layers.decoder.charges(frames, {"eta": [1.8]})


def test_charges_that_are_none_are_refused(layers: econ_ae.Run) -> None:
    with pytest.raises(DataError, match=r"charges have shape \(48,\); expected \(n, 48\)"):
        layers.frames(np.ones(48))
    with pytest.raises(DataError):
        layers.frames(np.full((1, 48), -1))
    with pytest.raises(DataError, match=r"crossing has shape \(1,\); expected \(2,\)"):
        layers.encoder.frames(np.ones((2, 48), int), [5])


def test_a_comparison_has_rows_for_every_algorithm(layers: econ_ae.Run) -> None:
    found = layers.compare(algorithms=["ae", "bc", "abc"], elinks=[2, 3])
    assert {row.key for row in found} == {"ae", "bc", "abc"}
    (own,) = [row for row in found if row.key == "ae"]
    assert own.emd == pytest.approx(np.nanmean(layers.emd()), rel=1e-12)
    assert found.best(2).emd == min(row.emd for row in found if row.elinks == 2)
    html = found._repr_html_()
    assert html.count("<tr>") == len(found) + 1
    assert "synthetic images" in html
    with pytest.raises(ConfigError, match="nothing was compared on 9 eLinks; expected one of 2, 3"):
        found.best(9)
    with pytest.raises(ConfigError, match="algorithm 'cb' is unknown"):
        layers.compare(algorithms=["cb"])
    axes = econ_ae.plot.rate_distortion(found)
    assert axes.get_xlabel() == "Bits of a frame per bunch crossing"
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(labels) == len({(row.algorithm, row.variant) for row in found})


def test_wafers_show_the_charges(layers: econ_ae.Run) -> None:
    image = layers.report_events().charges[0]
    axes = econ_ae.plot.wafer(image, numbers=True, title="TC charges")
    empty, charged = axes.collections
    assert len(empty.get_paths()) == np.count_nonzero(image == 0)
    np.testing.assert_array_equal(np.ma.filled(empty.get_array(), 0), 0)
    np.testing.assert_array_equal(charged.get_array(), image[image > 0])
    assert {text.get_text() for text in axes.texts} == {*map(str, range(48)), "TC charges"}
    received = layers.decoder.charges(layers.frames(image[None]), layers.report_events()[:1])[0]
    drawn = econ_ae.plot.compare({"sent": image, "received": received, "nothing": np.zeros(48)})
    assert [len(one.collections) for one in drawn] == [2, 2, 2]
    assert drawn[1].texts[0].get_text() == f"received\nEMD {econ_ae.emd(image[None], received[None])[0]:.3f}"
    assert drawn[2].texts[0].get_text() == "nothing\nEMD undefined"
    with pytest.raises(DataError, match=r"takes \(48,\) charges"):
        econ_ae.plot.wafer(np.ones(47))
    with pytest.raises(DataError, match="no image to compare"):
        econ_ae.plot.compare({})


def test_tables_for_notebooks(layers: econ_ae.Run) -> None:
    for one in (layers, layers.encoder, layers.decoder, layers.report_events()):
        assert one._repr_html_().startswith("<table>")
    assert "(synthetic)" in layers._repr_html_()


def test_files_are_read_with_the_keys_of_a_configuration(tmp_path: Path) -> None:
    rows = np.arange(3 * 48).reshape(3, 48)
    (tmp_path / "calq.csv").write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    images = econ_ae.read(tmp_path / "calq.csv", limit=2)
    np.testing.assert_array_equal(images.charges, rows[:2])
    with pytest.raises(ConfigError, match="limt"):
        econ_ae.read(tmp_path / "calq.csv", limt=2)
    with pytest.raises(DataError, match=r"nothing\.csv"):
        econ_ae.read(tmp_path / "nothing.csv")


def test_several_runs_are_named(tmp_path: Path) -> None:
    with pytest.raises(econ_ae.EconAeError, match="is not a run directory"):
        econ_ae.load(tmp_path)


def test_the_code_of_the_page_runs(layers: econ_ae.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(econ_ae.__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 3
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo").symlink_to(layers.path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert names["found"].best(3).elinks == 3
    assert all((tmp_path / name).stat().st_size > 1000 for name in ("event.pdf", "wafer.png", "rate.pdf"))
