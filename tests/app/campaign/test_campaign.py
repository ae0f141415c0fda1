"""A campaign end to end on a small scale: classes by layer, one directory, resumed to the same bits, mistakes named."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from econ_ae.app.campaign.judge import judge_class
from econ_ae.app.campaign.run import run, with_map
from econ_ae.app.physics.encoders import read
from econ_ae.app.physics.sample import Sample
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.run.family import CampaignDirectory
from econ_ae.app.stages.modules import class_map
from econ_ae.config.campaign import CampaignConfig, campaigns, load, named
from econ_ae.data.classes import CMS_LINKS
from econ_ae.data.dataset import Dataset
from econ_ae.data.whole_events import from_npz
from econ_ae.errors import ConfigError, DataError, EconAeError, RunDirectoryError
from econ_ae.files import sha256
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from metrics.transmitted import transmitted
from tests.icarus import needs_icarus

pytestmark = [
    pytest.mark.simulator,
    needs_icarus,
]


def test_physics_sends_every_module_with_the_encoder_of_its_class(finished: CampaignDirectory, settings: Path) -> None:
    path = settings.with_name("events.npz")
    images = from_npz(path)
    (encoders,) = read([finished.path], Silent())
    elinks = encoders.elinks_of(images)
    assert elinks is not None
    layer = np.asarray(images.batch.metadata["layer"])
    np.testing.assert_array_equal(elinks, np.select([layer == 0, layer == 20], [3, 1], 2))
    found = encoders.received(Sample(images, elinks), Silent())
    front = np.flatnonzero(layer == 0)
    context = Context(finished.run("front"), LOW_DENSITY, Silent())
    expected = reconstruct(context, context.model(), images.batch[front]).charges
    np.testing.assert_array_equal(found[front], expected.astype(np.float32))
    rest = np.flatnonzero(layer == 20)
    sent = transmitted(images.batch.charges[rest], LOW_DENSITY, [1], ["bc"]).reconstructions
    variants = told(finished)["variants"]
    assert isinstance(variants, dict)  # what was best on validation images, as in every other judgement
    best = next(r for r in sent if f"bc {r.variant}" == variants["rest"])
    np.testing.assert_array_equal(found[rest], best.charges.astype(np.float32))
    kept = Context(finished.run("back"), LOW_DENSITY, Silent()).rows("report").metadata["event"]
    report = set(np.unique(kept).tolist())
    assert encoders.saw(sha256(path)) == set(range(14)) - report
    assert encoders.saw("another file") == set()
    assert set(encoders.facts()) == {"front", "back", "rest"}


def told(campaign: CampaignDirectory) -> dict[str, object]:
    found = json.loads((campaign.path / "report" / "report.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_every_class_has_its_own_modules_and_a_verified_encoder(finished: CampaignDirectory) -> None:
    assert [path.name for path in finished.members] == ["front", "back"]
    layers = {}
    for path in finished.members:
        result = json.loads((path / "verify" / "verification.json").read_text())
        assert (result["mismatches"], result["events"] > 0) == (0, True)
        seen = set()
        for name in ("train", "validation", "report"):
            with Dataset.open(path / "dataset.h5", name) as data:
                seen |= set(data.read().metadata["layer"].tolist())
        layers[path.name] = seen
    assert layers == {"front": {0}, "back": {5, 12, 13}}


def test_the_page_holds_every_class_once_and_the_total(finished: CampaignDirectory) -> None:
    rows = list(csv.DictReader((finished.path / "report" / "by_class.csv").read_text().splitlines()))
    assert [row["class"] for row in rows] == ["front", "back", "rest", "all"]
    assert sum(int(row["images"]) for row in rows[:3]) == int(rows[3]["images"])
    text = (finished.path / "report" / "index.html").read_text()
    assert "What every class should send" in text
    assert text.count("data:image/png") == 3
    choices = told(finished)["choices"]
    assert isinstance(choices, dict)
    assert set(choices) == {"front", "back", "rest"}
    # What the class without an encoder sends is what it was told to send.
    assert rows[2]["autoencoder"] == rows[2]["best choice"]


def test_what_conditions_buy_is_measured_with_the_same_encoder(finished: CampaignDirectory) -> None:
    conditions = told(finished)["conditions"]
    assert isinstance(conditions, list)
    assert [row["group"] for row in conditions] == ["front", "back", "all"]
    for path in finished.members:
        same = [(path / folder / "rule.json").read_text() for folder in ("training", "unconditional")]
        assert same[0] == same[1]


def test_register_images_of_every_encoder(finished: CampaignDirectory) -> None:
    names = {path.name for path in (finished.path / "registers").iterdir()}
    assert names == {"front.yaml", "front.i2c", "back.yaml", "back.i2c"}


def test_a_finished_campaign_is_not_repeated_and_one_that_lost_a_member_continues_to_the_same_bits(
    finished: CampaignDirectory, config: CampaignConfig, tmp_path: Path
) -> None:
    path = tmp_path / "copy"
    shutil.copytree(finished.path, path)
    page = (path / "report" / "index.html").stat().st_mtime_ns
    run(path, config, overwrite=False, resume=True, progress=Silent())
    assert (path / "report" / "index.html").stat().st_mtime_ns == page
    encoder = (path / "back" / "encoder.json").read_bytes()
    shutil.rmtree(path / "back")
    (path / "manifest.json").write_text((path / "manifest.json").read_text())
    again = run(path, config, overwrite=False, resume=True, progress=Silent())
    assert (path / "back" / "encoder.json").read_bytes() == encoder
    assert told(again)["groups"] == told(finished)["groups"]


def test_a_changed_map_is_found_out(finished: CampaignDirectory, settings: Path, tmp_path: Path) -> None:
    member = RunDirectory.open(finished.path / "front")
    modules = member.config.data.modules
    assert modules is not None
    folder = tmp_path / "moved"
    shutil.copytree(settings.parent, folder)
    (folder / "map.csv").write_text("layer,class\n,front\n20,rest\n0,back\n")
    other = load(folder / "campaign.toml").with_map_hash(modules.sha256 or "")
    with pytest.raises(DataError, match="puts modules into other classes than when this was made"):
        run(tmp_path / "out", other, overwrite=False, resume=False, progress=Silent())


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (
            ('encoder = "m3.toml"', 'encoder = "m3.toml"\nelinks = 5'),
            ConfigError,
            "has 5 eLinks, but its encoder m3.toml",
        ),
        (('name = "back"', 'name = "front"'), ConfigError, "class 'front' is there twice"),
        (('name = "back"', 'name = "all"'), ConfigError, "a class is named 'all', as the sum of all classes is"),
        (('algorithm = "bc"', 'algorithm = "bd"'), ConfigError, "algorithm"),
        (("elinks = 1", ""), ConfigError, "needs elinks"),
        (('map = "map.csv"', 'map = "none.csv"'), DataError, "cannot read the class map"),
        (
            ('encoder = "m2.toml"', 'encoder = "m2.toml"\nsettings = { data = { limit = 9 } }'),
            ConfigError,
            "data.limit",
        ),
        (('encoder = "m2.toml"', 'encoder = "m2.toml"\nsettings = { data = { lim = 9 } }'), ConfigError, "unknown key"),
        (("[campaign]", "[campaing]"), ConfigError, "did you mean 'campaign'"),
    ],
)
def test_mistakes_are_named(
    settings: Path, tmp_path: Path, change: tuple[str, str], error: type[EconAeError], says: str
) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(settings.parent, folder)
    (folder / "campaign.toml").write_text((folder / "campaign.toml").read_text().replace(*change))
    with pytest.raises(error, match=says):
        with_map(load(folder / "campaign.toml"))


def test_the_campaigns_of_the_package_have_a_class_for_every_layer() -> None:
    for name in campaigns():
        config = with_map(named(name))
        assert config.first.data.modules is not None
        found = class_map(config.first.data.modules)
        layers = np.arange(34)
        assigned = found.assign({"layer": layers}, len(layers), list(config.classes))
        assert sorted(set(assigned.tolist())) == list(range(len(config.classes)))
        links = np.array([one.elinks for one in config.classes.values()])[assigned]
        np.testing.assert_array_equal(links, [CMS_LINKS[layer] for layer in range(34)])


def test_an_algorithm_without_a_frame_is_found_before_any_training(settings: Path, tmp_path: Path) -> None:
    toml = settings.with_name("ccc.toml")
    toml.write_text(settings.read_text().replace('algorithm = "bc"', 'algorithm = "ccc"'))
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="class 'rest' sends with ccc, which has no frame of 1 eLinks"):
        run(out, with_map(load(toml)), overwrite=False, resume=False, progress=Silent())
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("layer,class\n,back\n0,front\n", "class 'rest' has no module in the data"),
        ("layer,class\n0,front\n20,rest\n5,back\n12,back\n", "are in no class, first layer 13"),
        ("wafer_w,class\n0,front\n", "unknown column 'wafer_w'"),
    ],
)
def test_a_map_that_does_not_fit_the_data(settings: Path, tmp_path: Path, text: str, says: str) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(settings.parent, folder)
    (folder / "map.csv").write_text(text)
    with pytest.raises(DataError, match=says):
        run(
            tmp_path / "out", with_map(load(folder / "campaign.toml")), overwrite=False, resume=False, progress=Silent()
        )
    assert not (tmp_path / "out").exists()


def test_a_campaign_is_no_run(finished: CampaignDirectory) -> None:
    with pytest.raises(RunDirectoryError, match=r"is a campaign of runs; give one of them: .*back, .*front"):
        RunDirectory.open(finished.path)


def test_a_class_decoded_by_the_graph_of_another_is_found_out(finished: CampaignDirectory, tmp_path: Path) -> None:
    path = tmp_path / "swapped"
    shutil.copytree(finished.path, path)
    shutil.rmtree(path / "back" / "training")
    shutil.copytree(path / "front" / "training", path / "back" / "training")
    (path / "report" / "index.html").unlink()
    campaign = CampaignDirectory.open(path)
    members = {name: Context(campaign.run(name), LOW_DENSITY, Silent()) for name in campaign.config.members}
    with pytest.raises(RunDirectoryError, match=r"stage 'train' has other files than recorded"):
        judge_class(campaign.config, "back", members, ("bc",))
    with pytest.raises(RunDirectoryError, match=r"stage 'train' has other files than recorded"):
        read([path], Silent())


def test_a_member_with_the_settings_of_another_class_is_found_out(finished: CampaignDirectory, tmp_path: Path) -> None:
    path = tmp_path / "swapped"
    shutil.copytree(finished.path, path)
    shutil.rmtree(path / "back")
    shutil.copytree(path / "front", path / "back")
    with pytest.raises(RunDirectoryError, match="is a run with other settings than the campaign's"):
        CampaignDirectory.open(path).run("back")
