"""`econ-ae physics`: what sends everything costs exactly nothing, folds are kept, errors are one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from econ_ae.app.physics import algorithms, clusters
from econ_ae.app.physics.run import MANIFEST, NUMBERS, PAGE, PLOTS, TABLE, Plan
from econ_ae.app.physics.sample import Sample, electrons, elinks_by_layer, near_electrons
from econ_ae.data.synthetic.endcaps import PILEUP_200, EndcapParameters, Gun, generate
from econ_ae.data.whole_events import WholeEvents, from_npz
from econ_ae.errors import ConfigError
from econ_ae.files import sha256
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Silent
from metrics.transmitted import transmitted
from metrics.trigger import match
from metrics.trigger.electrons import find
from metrics.trigger.generated import of_truth
from tests.data.test_modules import TREE
from tests.data.whole_events import write

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def sample() -> Sample:
    """Some generated events with two electrons and pileup around them."""
    images = electrons(24, 1, Silent())
    return Sample(images, elinks_by_layer(images))


def test_blocks_are_whole_events_and_hold_every_module_once(sample: Sample) -> None:
    found = list(sample.blocks())
    np.testing.assert_array_equal(np.sort(np.concatenate([rows for *_, rows in found])), np.arange(len(sample)))
    np.testing.assert_array_equal(np.concatenate([events for _, events, _ in found]), sample.events)
    for first, events, rows in found:
        assert sample.place[rows].min() == first
        np.testing.assert_array_equal(sample.images.event[rows], events[sample.place[rows] - first])


def test_events_without_a_module_are_events_of_a_block(sample: Sample) -> None:
    """The truth knows events of which nothing arrived."""
    last = sample.events[-1]
    images = sample.images[sample.images.event != last]
    images = replace(images, truth=sample.images.truth)
    rest = Sample(images, elinks_by_layer(images))
    np.testing.assert_array_equal(np.concatenate([events for _, events, _ in rest.blocks()]), sample.events)
    everything = images.batch.charges.astype(np.float32)
    seen, axes = clusters.see(rest, {"all": everything}, Silent())
    assert (len(seen["all"].emd), len(axes.eta)) == (len(sample.events), 2 * len(sample.events))


def test_what_sends_everything_costs_exactly_nothing(sample: Sample) -> None:
    everything = algorithms.received("all", sample, Silent())
    np.testing.assert_array_equal(everything, sample.images.batch.charges)
    seen, _ = clusters.see(sample, {"all": everything, "copy": everything.copy()}, Silent())
    for name in ("side", "pt", "eta", "phi"):
        np.testing.assert_array_equal(getattr(seen["copy"].clusters, name), getattr(seen["all"].clusters, name))
    truth = sample.images.truth
    assert truth is not None
    for result in of_truth(seen, truth, sample.events, seen, len(sample.events)):
        for row in result.rows:
            if row.key.startswith("separation"):
                continue  # not paired
            difference = row.differences["copy"]
            assert np.isnan(difference.value) or difference.value == 0, row.key
            assert np.isnan(difference.error) or difference.error == 0, row.key
    main = of_truth(seen, truth, sample.events, seen, len(sample.events))[0]
    values = {row.key: row.values["copy"].value for row in main.rows}
    assert (values["response"], values["response_rms"], values["moved"]) == (1.0, 0.0, 0.0)
    assert values["correlation"] == pytest.approx(1.0, abs=1e-12)
    assert values["truth_correlation"] > 0.9


def test_with_the_truth_shuffled_its_correlation_vanishes(sample: Sample) -> None:
    """Every particle keeps its direction, so that its cluster is found, and gets the momentum of another event."""
    everything = algorithms.received("all", sample, Silent())
    seen, _ = clusters.see(sample, {"all": everything}, Silent())
    truth = sample.images.truth
    assert truth is not None
    moved = np.random.default_rng(3).permutation(len(sample.events))[truth.event]
    by_event = np.zeros(len(sample.events))
    by_event[truth.event] = truth.pt
    other = replace(truth, pt=by_event[moved])
    right = of_truth(seen, truth, sample.events, seen, len(sample.events))[0].row("truth_correlation")
    wrong = of_truth(seen, other, sample.events, seen, len(sample.events))[0].row("truth_correlation")
    assert right is not None
    assert wrong is not None
    assert right.values["all"].value > 0.95
    assert abs(wrong.values["all"].value) < 3 * wrong.values["all"].error
    assert wrong.values["all"].error > 0.05


def test_a_bin_of_correlations_counts_the_electrons_that_have_a_cluster(sample: Sample) -> None:
    everything = algorithms.received("all", sample, Silent())
    seen, _ = clusters.see(sample, {"all": everything}, Silent())
    truth = sample.images.truth
    assert truth is not None
    main = of_truth(seen, truth, sample.events, seen, len(sample.events))[0]
    soft = match.of_truth(truth, sample.events, "electron")
    soft = soft[soft.pt < 25]
    there = find(soft, seen["all"].clusters).there
    counts = [count for _, count, _ in main.tables[0].rows]
    assert sum(counts) == there.sum() < len(soft)


def test_ntuples_of_modules_are_measured_too(command: Command, tmp_path: Path, sample: Sample) -> None:
    path = ntuple(tmp_path / "modules.root", sample)
    out = tmp_path / "out"
    given = ("--data", str(path), "--generated", "0", "--algorithms", "all,bc-filled", "--out", str(out), "--json")
    code, printed, problem = command("physics", *given)
    assert code == 0, problem
    found = {(row["measure"], row["algorithm"]): row["value"] for row in json.loads(printed)["measures"]}
    assert 0.9 < found["response", "bc-filled"] < 1.1
    assert found["two_sides", "all"] < 0.3
    code, _, problem = command("physics", *given[:-3], "--events", "90:99", "--out", str(tmp_path / "other"))
    assert (code, "modules.root has no module of these events" in problem) == (2, True)
    with pytest.raises(ConfigError, match=r"holds transverse charges \(CALQ\), and generated events decoded counts"):
        Plan(paths=(tmp_path,), data=path)


def ntuple(path: Path, sample: Sample) -> Path:
    """Write the modules of generated events as an ntuple of modules."""
    images, made = sample.images, sample.images.calibrated()
    meta = made.metadata
    x, y, z = images.cell_positions()
    cosh = np.hypot(np.hypot(x, y), z) / np.hypot(x, y)
    per_calq = np.asarray(meta["gev_per_calq"], np.float64)
    columns = {f"wafer_CALQ{i}": made.charges[:, i].astype(np.int64) for i in range(48)} | {
        "wafer_eta": images.zside * np.asarray(meta["eta"], np.float64),
        "wafer_waferu": np.asarray(meta["wafer_u"], np.int64),
        "wafer_waferv": np.asarray(meta["wafer_v"], np.int64),
        "wafer_layer": np.asarray(meta["detector_layer"], np.int64),
        "wafer_wafertype": np.select([np.asarray(meta["thickness"]) == um for um in (120, 200)], [0, 1], 2),
        "wafer_energy": (made.charges * per_calq[:, None] * cosh).sum(axis=1),
        "wafer_zside": images.zside,
        "wafer_x": images.zside * images.x_cm,
        "wafer_y": images.y_cm,
        "wafer_z": images.zside * images.z_cm,
    }
    order = np.argsort(images.event, kind="stable")
    counts = np.bincount(images.event)
    with uproot.recreate(path) as file:
        kinds = {name: f"var * {values.dtype}" for name, values in columns.items()}
        file.mkdir(TREE.rpartition("/")[0])
        out = file.mktree(TREE, kinds, counter_name=lambda _: "wafer_n", field_name=lambda _, inner: inner)
        out.extend({name: ak.unflatten(values[order], counts) for name, values in columns.items()})
    return path


def test_modules_of_electrons_are_those_around_which_all_pileup_is_followed() -> None:
    """Further out than that, modules have less charge than they would have with all of it."""
    gun = Gun(("electron",), 5.0, 25.0, 2.0, 2.2)
    part = generate(2, 5, EndcapParameters(gun, PILEUP_200, around=0.14))
    whole = generate(2, 5, EndcapParameters(gun, PILEUP_200))
    kept = near_electrons(part)

    def total(images: WholeEvents) -> float:
        here = near_electrons(images)
        return float(here.batch.total.sum())

    assert 0 < len(kept) < len(part)
    assert total(part) == pytest.approx(total(whole), rel=0.1)  # the pileup is another draw behind the particles
    outside = part.batch.total.sum() - total(part)
    assert outside < 0.5 * (whole.batch.total.sum() - total(whole))


def test_every_module_is_sent_on_its_own_links(sample: Sample) -> None:
    found = algorithms.received("bc", sample, Silent())
    charges = sample.images.batch.charges
    for links in np.unique(sample.elinks):
        rows = np.flatnonzero(sample.elinks == links)
        sent = transmitted(charges[rows], LOW_DENSITY, [int(links)], ["bc"]).reconstructions
        plain = next(r.charges for r in sent if r.variant == "plain")
        np.testing.assert_array_equal(found[rows], plain.astype(np.float32))


def test_tables_are_made_of_the_events_of_the_other_fold(sample: Sample) -> None:
    before = algorithms.received("abc", sample, Silent())
    charges = np.array(sample.images.batch.charges)
    even = sample.fold == 0
    changed = even & (sample.place % 4 == 0)
    charges[changed] = charges[changed] // 2 + 1
    images = replace(sample.images, batch=replace(sample.images.batch, charges=charges))
    after = algorithms.received("abc", Sample(images, sample.elinks), Silent())
    kept = even & ~changed  # tables of even events are of odd ones, which are as before
    assert kept.any()
    np.testing.assert_array_equal(after[kept], before[kept])
    assert not np.array_equal(after[~even], before[~even])


def test_the_threshold_keeps_cells_above_1_35_mipt_exactly(sample: Sample) -> None:
    found = algorithms.received("threshold", sample, Silent())
    charges = sample.images.batch.charges
    kept = found > 0
    np.testing.assert_array_equal(found[kept], charges[kept])
    x, y, z = sample.images.cell_positions()
    thickness = np.asarray(sample.images.batch.metadata["thickness"])[:, None]
    fc = np.select([thickness == 120, thickness == 200], [2.06, 3.43], 5.15)
    mipt = charges * 0.78125 / fc * np.hypot(x, y) / np.sqrt(x**2 + y**2 + z**2)
    clear = np.abs(mipt - 1.35) > 1e-6
    np.testing.assert_array_equal(kept[clear], ((mipt >= 1.35) & (charges > 0))[clear])
    assert 0.05 < kept.sum() / (charges > 0).sum() < 0.95


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--algorithms", "bc,abx"], "algorithm 'abx' is unknown; expected some of all, threshold"),
        (["--algorithms", ","], "--algorithms names none"),
        (["--generated", "0"], "nothing to measure on; give --data FILE"),
        (["--generated", "5"], "--generated 5; expected 0, or at least 20"),
        (["--section", "CEE"], "--section 'CEE'; expected CE-E, where electrons are measured, or all"),
        (["--section", "CE-H"], "--section 'CE-H'; expected CE-E, where electrons are measured, or all"),
        (["--events", "1:3"], "--events are those of --data FILE; give both"),
        (["--seed", "0"], "--seed 0; expected 1 or more"),
        (["--events", "9:3"], "--events '9:3' not understood; expected first:end"),
        (["--data", "missing.npz"], "missing.npz"),
        (["missing-run"], "missing-run"),
    ],
)
def test_errors_are_one_line(command: Command, tmp_path: Path, arguments: list[str], expected: str) -> None:
    out = tmp_path / "out"
    code, printed, problem = command("physics", *arguments, "--out", str(out))
    assert code == 2
    assert printed == ""
    assert expected in problem
    assert len(problem.strip().splitlines()) == 1
    assert not out.exists()


def test_a_file_without_pairs_says_so(command: Command, tmp_path: Path) -> None:
    path = write(tmp_path / "events.npz")
    code, _, problem = command(
        "physics", "--data", str(path), "--generated", "0", "--algorithms", "all,bc", "--out", str(tmp_path / "out")
    )
    assert code == 2
    assert "fewer than 3 events with two electrons" in problem


def test_nothing_is_overwritten_unasked(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    code, _, problem = command("physics", "--out", str(tmp_path))
    assert (code, "holds something else than measures" in problem) == (2, True)
    (tmp_path / NUMBERS).write_text("{}")
    code, _, problem = command("physics", "--out", str(tmp_path))
    assert (code, "give --overwrite" in problem) == (2, True)
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_a_plan_needs_something_to_measure() -> None:
    with pytest.raises(ConfigError, match="nothing to measure on"):
        Plan(generated=0)
    with pytest.raises(ConfigError, match="--seed -1"):
        Plan(seed=-1)


def test_a_page_with_numbers_plots_and_hashes(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, _ = command(
        "physics", "--generated", "20", "--algorithms", "all,bc,bc-filled", "--out", str(out), "--json"
    )
    assert code == 0
    told = json.loads(printed)
    assert {row["algorithm"] for row in told["measures"]} == {"all", "bc", "bc-filled"}
    resolution = {row["algorithm"]: row for row in told["measures"] if row["measure"] == "calibrated_resolution"}
    assert 0 < resolution["all"]["value"] < 0.5
    assert resolution["bc"]["difference"] == pytest.approx(resolution["bc"]["value"] - resolution["all"]["value"])
    assert len(told["sentences"]) == 2
    page = (out / PAGE).read_text(encoding="utf-8")
    assert all(sentence.split(":")[0] in page for sentence in told["sentences"])
    assert "Synthetic data" in page
    assert "http" not in page.replace("http://www.w3.org", "")  # loads nothing
    for name in ("generated-resolution", "generated-turn_on", "generated-rate"):
        assert {path.suffix for path in (out / PLOTS).glob(f"{name}.*")} == {".pdf", ".png", ".csv"}
        assert f"{PLOTS}/{name}.pdf" in page
    lines = (out / PLOTS / "generated-resolution.csv").read_text().splitlines()
    assert lines[0] == "algorithm,x,y,error"
    assert {line.split(",")[0] for line in lines[1:]} == {"all", "bc", "bc-filled"}
    assert (out / TABLE).read_text().count("\n") == len(told["measures"]) + 1
    manifest = json.loads((out / MANIFEST).read_text())
    assert {name: sha256(out / name) for name in manifest["outputs"]} == manifest["outputs"]
    assert manifest["facts"]["seed"] == 1


def test_the_first_look_at_real_events(reference: Path) -> None:
    """Pairs in ten real events, and the whole chain on them: nothing here is tuned."""
    images = from_npz(reference / "cms_events" / "electrons_pu200.npz", range(4, 10))
    real = Sample(images, elinks_by_layer(images))
    received = {name: algorithms.received(name, real, Silent()) for name in ("all", "bc-filled")}
    seen, axes = clusters.see(real, received, Silent())
    assert len(axes.eta) == 12
    # Events 6, 8 and 9 have hard electrons at opposite eta; their cones agree.
    cone = seen["all"].cone.reshape(-1, 2)[[2, 5]]
    assert (np.abs(cone[:, 0] - cone[:, 1]) / cone.mean(axis=1) < 0.15).all()
    ratio = seen["bc-filled"].cone / seen["all"].cone
    assert np.median(ratio) == pytest.approx(1.02, abs=0.02)
