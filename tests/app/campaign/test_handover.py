"""The errors that were made in hand-overs between training, link map and receiver, each made on purpose and caught.

The collaboration's encoders lost bits to four of them: a third of the modules decoded by another class's graph,
conditions turned to zero by an integer division, a module sum with one cell more than in training, and eta of a cell
in the place of the module's centre. Every test is the right case, which passes, and the wrong one, which is refused.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.app.campaign import members
from econ_ae.app.campaign.judge import judge_class
from econ_ae.app.campaign.run import run, with_map
from econ_ae.app.reconstruction import Receiver, reconstruct
from econ_ae.app.run.context import Context
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.config.campaign import load
from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import Condition, Conditions
from econ_ae.data.readers.cms_events import EventsFile, EventsOptions, read_events
from econ_ae.econt.autoencoder import sum_code
from econ_ae.errors import DataError, RunDirectoryError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from econ_ae.training.cells import artifact
from tests.data import whole_events
from tests.data.whole_events import arrays
from tests.icarus import needs_icarus

pytestmark = [
    pytest.mark.simulator,
    needs_icarus,
]

CORNER = int(np.argmax(np.hypot(*(LOW_DENSITY.xy - LOW_DENSITY.xy.mean(axis=0)).T)))
CM = 1.2084


@pytest.fixture
def contexts(finished: CampaignDirectory) -> dict[str, Context]:
    return members.opened(finished.path, Silent())[1]


def test_a_third_of_the_modules_decoded_by_another_class(
    finished: CampaignDirectory, contexts: dict[str, Context]
) -> None:
    """One of the three classes gets another class's graph, as a wrong map from links to graphs gives it."""
    judge_class(finished.config, "back", contexts, ("bc",))
    linked = contexts | {"back": contexts["front"]}
    with pytest.raises(RunDirectoryError, match=r"class 'back' is to be decoded by .*front, .* a run of class 'front'"):
        judge_class(finished.config, "back", linked, ("bc",))


def test_images_of_another_class_into_a_decoder(contexts: dict[str, Context]) -> None:
    front, back = contexts["front"], contexts["back"]
    rows = back.rows("report")
    reconstruct(back, back.model(), rows)
    with pytest.raises(
        DataError, match=r"images of class 'back' are to be decoded by .*front, the encoder and decoder"
    ):
        reconstruct(front, front.model(), rows)
    other = Receiver(front.config, front.path("training"))
    with pytest.raises(DataError, match="images of class 'back' are to be decoded by"):
        reconstruct(back, back.model(), rows, other)


def test_conditions_turned_to_zero_by_an_integer_division_of_the_source(settings: Path, tmp_path: Path) -> None:
    """Before anything is trained: the file's eta and layers, or the map's u and v, are divided as integers."""
    folder = tmp_path / "divided"
    shutil.copytree(settings.parent, folder)
    good = dict(arrays(events=14, modules=60))
    file = folder / "events.npz"
    toml = folder / "campaign.toml"
    toml.write_text(toml.read_text().replace(str(settings.parent / "events.npz"), str(file)))
    for changed, says in (
        ({"eta": (good["eta"] // 4).astype(np.float32)}, "eta is 0.0; expected that of the module's centre"),
        ({"eta": np.zeros(len(good["eta"]), np.float32)}, "eta is 0.0; expected that of the module's centre"),
    ):
        np.savez_compressed(file, **good | changed)
        with pytest.raises(DataError, match=says):
            run(tmp_path / "out", with_map(load(toml)), overwrite=False, resume=False, progress=Silent())
    assert not (tmp_path / "out").exists()


def test_conditions_turned_to_zero_by_an_integer_division_of_the_normalisation(
    contexts: dict[str, Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """eta // 3.1, u // 12, (layer - 1) // 46 are 0 for every module."""
    rows = contexts["back"].rows("report")
    known = Conditions(("eta", "layer", "u", "v"))
    known.features(rows)

    def divided(self: Condition, values: Any) -> Any:
        return (np.abs(values) // self.scale * 0).astype(np.float32)[:, None]

    monkeypatch.setattr(Condition, "normalised", divided)
    with pytest.raises(DataError, match=r"condition 'eta' is .*, but the decoder gets 0 of all modules"):
        known.features(rows)
    with pytest.raises(DataError, match="the decoder gets 0 of all modules"):
        reconstruct(contexts["back"], contexts["back"].model(), rows)


def test_conditions_turned_to_zero_in_events_that_are_decoded(contexts: dict[str, Context]) -> None:
    rows = contexts["back"].rows("report")
    zero = np.zeros(len(rows), np.int64)
    for columns, names, says in (
        ({"wafer_u": zero, "wafer_v": zero}, ("eta", "u", "v"), "u and v are not the module's numbers"),
        ({"eta": zero}, ("eta",), "eta is 0 in"),
        ({"detector_layer": zero}, ("layer",), "detector_layer is 0 in"),
        ({"thickness": zero}, ("thickness",), "thickness is 0 in"),
    ):
        wrong = replace(rows, metadata={**rows.metadata, **columns})
        Conditions(names).features(rows)
        with pytest.raises(DataError, match=says):
            Conditions(names).features(wrong)


def one_cell_more(charges: Any) -> Any:
    """Return sum codes with the first cell counted twice: 49 cells in the sum."""
    return sum_code(np.concatenate([charges, charges[:, :1]], axis=1))


@pytest.mark.parametrize("place", ["frame", "training", "log_sum"])
def test_the_module_sum_with_one_cell_more_than_in_training(
    contexts: dict[str, Context], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """The sum is computed in three places: in the frame, for the decoder's training, and as a condition of it."""
    context, rng = contexts["front"], np.random.default_rng(1)
    model, rows = context.model(), context.rows("report")
    charges = rng.integers(500, 20_000, rows.charges.shape).astype(np.uint32)
    rows = Batch(charges, rows.provenance, rows.metadata)
    assert artifact.compare_with_frames(model, charges) == len(charges)
    reconstruct(context, model, rows)
    module = {"frame": "econt.cell_frame", "training": "training.sample", "log_sum": "data.module_conditions"}[place]
    monkeypatch.setattr(f"econ_ae.{module}.sum_code", one_cell_more)
    says = r"the module sum is \d.* in the frame of image \d+, \d.* as the training computes it"
    if place != "log_sum":  # caught when the encoder is frozen, before any Verilog is made
        with pytest.raises(DataError, match=says):
            artifact.compare_with_frames(model, charges)
    if place != "training":  # and in every evaluation
        with pytest.raises(DataError, match=says):
            reconstruct(context, model, rows)


def test_the_eta_of_a_corner_cell_in_a_file_of_events(tmp_path: Path) -> None:
    """The reader compares eta with the module's centre."""
    good = arrays(events=4, modules=60)
    read_events(whole_events.write(tmp_path / "good.npz", **good), EventsOptions(), LOW_DENSITY)
    wrong = whole_events.write(tmp_path / "corner.npz", **good | {"eta": corner_eta(good).astype(np.float32)})
    with pytest.raises(DataError, match=r"corner.npz, row \d+: eta is .*; expected that of the module's centre"):
        next(EventsFile(wrong, EventsOptions(), LOW_DENSITY).batches())


def test_the_eta_of_a_corner_cell_where_no_depth_is_known(contexts: dict[str, Context]) -> None:
    """The modules of a layer have one depth: eta of another place than the centre does not fit the others."""
    rows = contexts["back"].rows("train")
    known = Conditions(("eta",))
    known.features(rows)
    raw = {
        "x_cm": rows.metadata["x"],
        "y_cm": rows.metadata["y"],
        "layer": rows.metadata["layer"],
        "z_cm_of_layer": arrays()["z_cm_of_layer"],
    }
    wrong = replace(rows, metadata={**rows.metadata, "eta": corner_eta(raw)})
    with pytest.raises(DataError, match="expected eta of the module's centre, not of one of its cells"):
        known.features(wrong)


def corner_eta(raw: Any) -> Any:
    """Return the eta of the outermost cell of every module."""
    place = (LOW_DENSITY.xy - LOW_DENSITY.xy.mean(axis=0))[CORNER] * CM
    radius = np.hypot(np.asarray(raw["x_cm"], float) + place[0], np.asarray(raw["y_cm"], float) + place[1])
    return np.arcsinh(np.asarray(raw["z_cm_of_layer"], float)[np.asarray(raw["layer"])] / radius)
