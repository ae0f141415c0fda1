"""Files of whole events: calibration as the chip does it, selection, split by event, bad files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.app.run.context import Context
from econ_ae.app.run.directory import RunDirectory
from econ_ae.app.stages import data as dataset_stage
from econ_ae.app.stages.streamed import Streamed
from econ_ae.config import parse
from econ_ae.data import dataset
from econ_ae.data.batch import Batch
from econ_ae.data.events import EventRanges, split_events, whole_events
from econ_ae.data.readers import cms_events, read
from econ_ae.data.readers.cms_events import EventsFile, EventsOptions, read_events
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from tests.data.whole_events import PITCH, arrays, write

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "events.npz")


def counts_of(codes: np.ndarray) -> np.ndarray:
    """Decoded counts, from the definition of the code, one by one."""
    table = [m if e == 0 else (8 + m) << (e - 1) for e in range(16) for m in range(8)]
    return np.array(table)[codes]


def test_counts_are_decoded_exactly(file: Path) -> None:
    batch = read_events(file, EventsOptions(calibration="counts"), LOW_DENSITY)
    np.testing.assert_array_equal(batch.charges, counts_of(arrays()["codes"]))
    np.testing.assert_allclose(batch.metadata["gev_per_calq"], arrays()["gev_per_count"])


def check_calibration(batch: Batch, raw: dict[str, Any]) -> None:
    """Against the formula with the eta of every cell, in floats: the 12-bit factor and CALQ lose less than one each."""
    place = (LOW_DENSITY.xy - LOW_DENSITY.xy.mean(axis=0)) * 1.2084
    x, y = (raw[f"{axis}_cm"].astype(float)[:, None] + place[:, i] for i, axis in enumerate("xy"))
    eta = np.arcsinh(raw["z_cm_of_layer"].astype(float)[raw["layer"]][:, None] / np.hypot(x, y))
    counts = counts_of(raw["codes"])
    energy = counts * raw["gev_per_count"].astype(float)[:, None] / np.cosh(eta)
    found = batch.charges * batch.metadata["gev_per_calq"][:, None]
    step = batch.metadata["gev_per_calq"][:, None] * (1 + counts * 8 / 2048)
    assert (found <= energy * (1 + 1e-6)).all()
    assert (found >= energy - step).all()
    np.testing.assert_array_equal(found > 0, counts > 0)


def test_charge_is_transverse_energy_in_integers(file: Path) -> None:
    batch = read(file)
    check_calibration(batch, arrays())
    assert (batch.provenance.synthetic, batch.provenance.source) == (False, "events.npz")
    assert batch.provenance.steps == ("read whole events: all sections; transverse charge",)


def test_the_factor_has_twelve_bits(tmp_path: Path) -> None:
    far = {"x_cm": np.full(120, 1e6, np.float32), "eta": np.zeros(120, np.float32)}
    low = write(tmp_path / "low.npz", **far, codes=np.full((120, 48), 1, np.uint8))
    assert read(low).charges.max() == 8 * 4095 >> 11
    high = write(tmp_path / "high.npz", codes=np.full((120, 48), 127, np.uint8))
    assert read(high).charges.max() < 1 << 22


def test_columns(file: Path) -> None:
    batch, raw = read(file), arrays()
    assert whole_events(batch.metadata)
    for name, source in (("event", "event"), ("zside", "zside"), ("layer", "layer"), ("wafer", "wafer"),
                         ("thickness", "thickness_um"), ("eta", "eta"), ("x", "x_cm"), ("y", "y_cm")):  # fmt: skip
        np.testing.assert_array_equal(batch.metadata[name], raw[source], err_msg=name)
    radius, phi = np.hypot(raw["x_cm"], raw["y_cm"]), np.asarray(batch.metadata["phi"], float)
    np.testing.assert_allclose(radius * np.cos(phi), raw["zside"] * raw["x_cm"], atol=1e-3)
    np.testing.assert_allclose(radius * np.sin(phi), raw["y_cm"], atol=1e-3)


def test_modules_have_numbers_whatever_is_taken(file: Path) -> None:
    raw = arrays()
    layer, x, y = raw["layer"].astype(int), raw["x_cm"].astype(float), raw["y_cm"].astype(float)
    v = np.rint((y + np.where(layer < 20, 0, PITCH / np.sqrt(3))) / (np.sqrt(3) / 2 * PITCH)).astype(int)
    u = np.rint(v / 2 - x / PITCH).astype(int)
    for options, taken in ((EventsOptions(), layer >= 0), (EventsOptions(section="CE-H", zside=1),
                                                           (layer > 12) & (raw["zside"] == 1))):  # fmt: skip
        columns = read_events(file, options, LOW_DENSITY).metadata
        np.testing.assert_array_equal(columns["wafer_u"], u[taken])
        np.testing.assert_array_equal(columns["wafer_v"], v[taken])
    numbers = {0: 1, 5: 11, 12: 25, 13: 27, 20: 34}
    np.testing.assert_array_equal(read(file).metadata["detector_layer"], [numbers[n] for n in layer])


def test_a_module_off_the_lattice_is_named_where_numbers_are_needed(tmp_path: Path) -> None:
    x = arrays()["x_cm"]
    x[3] += 0.7
    path = write(tmp_path / "stray.npz", x_cm=x)
    batch = read(path)
    assert not {"wafer_u", "wafer_v"} & set(batch.metadata)
    place = rf"the module of layer {arrays()['layer'][3]} at x = {x[3]:.3f}, y = .* cm is 0.\d+ cm off the lattice"
    assert re.match(f"no wafer_u and wafer_v: {place}", batch.provenance.steps[1])
    settings = {"data": {"source": str(path)}, "decoder": {"conditions": ["v"]}}
    with pytest.raises(DataError, match=rf"'v', but stray.npz has no column wafer_v \({place}"):
        dataset_stage.prepare(parse(settings, "test"), LOW_DENSITY)
    known = dataset_stage.prepare(
        parse(settings | {"decoder": {"conditions": ["eta", "layer", "thickness"]}}, "test"), LOW_DENSITY
    )
    assert len(known.rows.train) > 0


@pytest.mark.parametrize(
    ("options", "keep"),
    [
        (EventsOptions(section="CE-E"), lambda a: a["layer"] <= 12),
        (EventsOptions(section="CE-H"), lambda a: a["layer"] >= 13),
        (EventsOptions(layers=(5, 20)), lambda a: (a["layer"] == 5) | (a["layer"] == 20)),
        (EventsOptions(thickness=(120,), zside=-1), lambda a: (a["thickness_um"] == 120) & (a["zside"] == -1)),
    ],
)
def test_selection(file: Path, options: EventsOptions, keep: Callable[[dict[str, Any]], np.ndarray]) -> None:
    expected = keep(arrays())
    assert 0 < expected.sum() < len(expected)
    batch = read_events(file, options, LOW_DENSITY)
    np.testing.assert_array_equal(batch.metadata["wafer"], arrays()["wafer"][expected])
    assert EventsFile(file, options, LOW_DENSITY).count() == len(batch)


def test_blocks_give_the_same(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(file)
    monkeypatch.setattr(cms_events, "BLOCK", 7)
    assert read(file).content_hash() == whole.content_hash()
    assert read(file, limit=10).content_hash() == whole[:10].content_hash()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"event": None}, "has no array 'event'; expected codes, event, "),
    ({"z_cm_of_layer": None}, "has no array 'z_cm_of_layer'"),
    ({"codes": arrays()["codes"].astype(float)}, "array 'codes' is of type float64; expected integers in rows"),
    ({"eta": arrays()["layer"]}, "array 'eta' is of type uint8; expected floats in rows"),
    ({"codes": arrays()["codes"][:, :47]}, "array 'codes' has shape (120, 47); expected (120, 48)"),
    ({"layer": arrays()["layer"][:-1]}, "array 'layer' has shape (119,); expected (120,)"),
    ({"codes": np.asfortranarray(arrays()["codes"])}, "array 'codes' is of type uint8; expected integers in rows"),
    ({"codes": np.where(np.eye(120, 48, dtype=bool), 128, 1)}, "row 0, trigger cell 0: codes is 128; expected 0..127"),
    ({"layer": np.full(120, 34)}, "row 0: layer is 34; expected 0..33"),
    ({"thickness_um": np.full(120, 250)}, "row 0: thickness_um is 250; expected 120, 200 or 300"),
    ({"zside": np.zeros(120, int)}, "row 0: zside is 0; expected -1 or 1"),
    ({"gev_per_count": np.zeros(120)}, "row 0: gev_per_count is 0.0; expected above 0"),
    ({"x_cm": np.full(120, np.nan)}, "row 0: x_cm is nan; expected a number"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "expected"), BAD, ids=[e[:40] for _, e in BAD])
def test_bad_files_are_one_line(changed: dict[str, Any], expected: str, tmp_path: Path, command: Run) -> None:
    path = write(tmp_path / "bad.npz", **changed)
    with pytest.raises(DataError, match=re.escape(expected)):
        read(path)
    code, _, err = command("data", str(path))
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert expected in err


def test_broken_archives_are_one_line(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    cut = tmp_path / "cut.npz"
    for end in (0, 10, len(content) // 2, len(content) - 5):
        cut.write_bytes(content[:end])
        with pytest.raises(DataError, match=r"is it complete|damaged"):
            read(cut)
    middle = len(content) // 3
    cut.write_bytes(content[:middle] + bytes(64) + content[middle + 64 :])
    with pytest.raises(DataError, match=r"is it complete|damaged"):
        read(cut)
    with pytest.raises(DataError, match="No such file"):
        read(tmp_path / "nowhere.npz")
    cut.write_text("CALQ_0,CALQ_1\n")
    with pytest.raises(DataError, match="is it complete"):
        read(cut)


def test_nothing_left_is_one_line(file: Path) -> None:
    with pytest.raises(DataError, match=re.escape("events.npz has no image with CE-E, layers 20")):
        read_events(file, EventsOptions(section="CE-E", layers=(20,)), LOW_DENSITY)


def split(**ranges: str) -> tuple[set[int], set[int], set[int]]:
    event = arrays()["event"].astype(np.int64)
    found = split_events(event, np.ones(len(event), bool), EventRanges(**ranges))
    sides = tuple(set(event[rows].tolist()) for rows in (found.train, found.validation, found.report))
    assert sum(map(len, (found.train, found.validation, found.report))) == len(event) or ranges
    return sides  # type: ignore[return-value]


def test_events_are_divided_and_never_cut() -> None:
    assert split() == (set(range(8)), {8}, {9})
    assert split(train="0:4", validation="6:7", report="8:10,4:5") == ({0, 1, 2, 3}, {6}, {4, 8, 9})
    assert split(report="0:3") == ({3, 4, 5, 6, 7, 8}, {9}, {0, 1, 2})
    assert split(train="0:5") == ({0, 1, 2, 3, 4} - {4}, {4}, {5, 6, 7, 8, 9})
    event = np.repeat(np.arange(70), 3)
    assert split_events(event, event >= 0, EventRanges()).rule == "by event: train 0:54, validation 54:60, report 60:70"
    mixed = np.random.default_rng(1).permutation(event)
    found = split_events(mixed, event >= 0, EventRanges())
    assert set(mixed[found.report].tolist()) == set(range(60, 70))


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ({"train_events": "0-5"}, "data.cms_events.train_events '0-5' not understood; expected 'first:end'"),
        ({"report_events": "20:30"}, "report_events '20:30': none of the events 0..9 is in that range"),
        ({"train_events": "0:5", "report_events": "4:9"}, "train_events and report_events share event 4"),
        ({"train_events": "0:9", "validation_events": "9:10"}, "leaves no event for report"),
        ({"section": "CE-X"}, "data.cms_events.section = 'CE-X': "),
        ({"thickness": [100]}, "data.cms_events.thickness.0 = 100: "),
        ({"layer": [1]}, "unknown key 'data.cms_events.layer'; did you mean 'layers'?"),
    ],
)
def test_wrong_settings_are_one_line(ranges: dict[str, Any], expected: str, file: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(expected)):
        dataset_stage.prepare(parse({"data": {"source": str(file), "cms_events": ranges}}, "test"), LOW_DENSITY)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"report": "0:10"}, "are ranges of rows, which may cut an event"),
        ({"density": 1}, "events.npz says what its codes are; data.density and zero_code do not apply"),
    ],
)
def test_settings_of_other_files_are_refused(data: dict[str, Any], expected: str, file: Path) -> None:
    with pytest.raises((ConfigError, DataError), match=expected):
        dataset_stage.prepare(parse({"data": {"source": str(file), **data}}, "test"), LOW_DENSITY)


def stored(folder: Path, source: Path, **data: Any) -> tuple[Context, Any]:
    settings = {"cms_events": {"section": "CE-E", "train_events": "0:6", "report_events": "8:10"}} | data
    config = parse({"data": {"source": str(source), **settings}}, "test")
    prepared = dataset_stage.prepare(config, LOW_DENSITY)
    context = Context(RunDirectory.create(folder, config), LOW_DENSITY, Silent())
    dataset_stage.write(context, prepared)
    return context, prepared


def test_a_run_takes_them_in_memory_and_streamed(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, prepared = stored(tmp_path / "held", file)
    assert not isinstance(prepared, Streamed)
    monkeypatch.setattr("econ_ae.app.stages.whole_events.event_bytes", lambda *_: 1 << 30)
    streamed, prepared = stored(tmp_path / "streamed", file)
    assert isinstance(prepared, Streamed)
    spooled = prepared.path.parent
    assert spooled.is_dir()
    del prepared
    assert not spooled.exists(), "the dataset file on the way is removed"
    for name in ("validation", "report"):
        one, other = held.rows(name), streamed.rows(name)
        assert set(one.metadata["event"].tolist()) == {"validation": {5}, "report": {8, 9}}[name]
        assert one.content_hash() == other.content_hash()
        assert (one.metadata["layer"] <= 12).all()
    assert held.rows("train").content_hash() == streamed.rows("train").content_hash()
    facts = json.loads((tmp_path / "held" / "dataset.json").read_text(encoding="utf-8"))
    assert facts["rows"] == "by event: train 0:5, validation 5:6, report 8:10"


def test_a_converted_file_is_divided_by_event_too(file: Path, tmp_path: Path, command: Run) -> None:
    out = tmp_path / "set.h5"
    code, text, err = command("data", "convert", str(file), "--out", str(out), "--layers", "0,5", "--zside", "1")
    assert (code, err.count("Traceback")) == (0, 0), err
    raw = arrays()
    expected = np.isin(raw["layer"], (0, 5)) & (raw["zside"] == 1)
    batch = dataset.load(out)
    np.testing.assert_array_equal(batch.metadata["wafer"], raw["wafer"][expected])
    assert f"{expected.sum()} images" in text
    prepared = dataset_stage.prepare(parse({"data": {"source": str(out)}}, "test"), LOW_DENSITY)
    assert prepared.rows.rule == "by event: train 0:8, validation 8:9, report 9:10"
    code, _, err = command("data", "convert", str(file), "--out", str(out), "--overwrite", "--transverse")
    assert (code, len(err.strip().splitlines())) == (2, 1)


def test_the_file_is_described(file: Path, command: Run) -> None:
    code, out, _ = command("data", str(file), "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["events"], facts["synthetic"]) == (120, False)


def test_the_reference_file(reference: Path) -> None:
    path = reference / "cms_events" / "electrons_pu200.npz"
    options = EventsOptions(section="CE-E")
    file = EventsFile(path, options, LOW_DENSITY)
    assert file.count() == 457_222
    batch, _ = next(iter(file.batches()))
    with np.load(path) as archive:
        raw = {name: archive[name] for name in archive.files if name != "z_cm_of_layer"}
        depths = archive["z_cm_of_layer"]
    rows = np.flatnonzero(raw["layer"][: cms_events.BLOCK] < 13)
    check_calibration(batch, {name: values[rows] for name, values in raw.items()} | {"z_cm_of_layer": depths})
    # The module's own eta and thickness agree with where its cells are and with what its counts stand for.
    eta = np.arcsinh(depths[batch.metadata["layer"]] / np.hypot(batch.metadata["x"], batch.metadata["y"]))
    np.testing.assert_allclose(eta, batch.metadata["eta"], atol=2e-3)
    for layer in range(13):
        here = batch.metadata["layer"] == layer
        np.testing.assert_allclose(
            batch.metadata["gev_per_calq"][here], batch.metadata["gev_per_calq"][here][0], rtol=2e-3
        )
