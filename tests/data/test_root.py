"""ROOT ntuples: images of modules, what is left out and counted, and mistakes in one line."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from econ_ae.data.readers import read
from econ_ae.data.readers.hits import RootOptions
from econ_ae.data.readers.root import RootFile
from econ_ae.errors import ConfigError, DataError
from econ_ae.geometry import LOW_DENSITY
from tests.data.ntuples import cell, random_events, write

Run = Callable[..., tuple[int, str, str]]


def test_lattice_coordinates_are_the_public_ones(reference: Path) -> None:
    with (reference / "trigger_cells.csv").open(encoding="utf-8") as file:
        public = {int(row["tc"]): (int(row["u"]), int(row["v"])) for row in csv.DictReader(file)}
    assert {t: tuple(uv) for t, uv in enumerate(LOW_DENSITY.lattice.tolist())} == public
    # The trigger cells of a sensor of N = 4 cells per edge in CMSSW: 0 <= u, v < 2N, v - u < N, u - v <= N.
    assert set(public.values()) == {(u, v) for u in range(8) for v in range(8) if v - u < 4 and u - v <= 4}
    assert all(LOW_DENSITY.cell_at[u, v] == t for t, (u, v) in public.items())
    assert (LOW_DENSITY.cell_at >= 0).sum() == 48


def test_images_equal_a_loop_over_the_cells(tmp_path: Path) -> None:
    events = random_events(120, seed=1)
    batch = read(write(tmp_path / "n.root", events))
    expected: dict[tuple[int, ...], np.ndarray] = {}
    energy: dict[tuple[int, ...], float] = {}
    for entry, event in enumerate(events):
        for hit in event:
            key = (entry, *(int(hit[n]) for n in ("subdet", "zside", "layer", "waferu", "waferv")))
            place = [t for t, uv in enumerate(LOW_DENSITY.lattice.tolist()) if uv == [hit["cellu"], hit["cellv"]]]
            expected.setdefault(key, np.zeros(48, np.int64))[place[0]] += int(hit["data"])
            energy[key] = energy.get(key, 0.0) + hit["simenergy"]
    meta = batch.metadata
    keys = list(
        zip(*(meta[n].tolist() for n in ("entry", "subdet", "zside", "layer", "wafer_u", "wafer_v")), strict=True)
    )
    assert keys == sorted(expected)
    np.testing.assert_array_equal(batch.charges, [expected[k] for k in keys])
    np.testing.assert_allclose(meta["sim_energy"], [energy[k] for k in keys], rtol=1e-6)
    np.testing.assert_allclose(meta["eta"], 2.0, rtol=1e-6)
    assert batch.provenance.synthetic is False
    assert len(batch.provenance.sha256) == 64


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    events = [
        [
            cell(0),
            cell(0, compressedCharge=50),  # twice
            cell(1, subdet=2, layer=30),
            cell(2, subdet=10, waferu=-999, waferv=-999, cellu=20, cellv=100),
            cell(3, subdet=0),
            cell(4, wafertype=0),
            cell(5, cellu=0, cellv=7),
            cell(6, cellu=-1),
            cell(7, layer=11),
        ],
        [],
    ]
    path = write(tmp_path / "n.root", events)
    batch = read(path, root=RootOptions(layers=(9, 30)))
    assert batch.occupancy.tolist() == [1, 1]
    assert batch.metadata["layer"].tolist() == [9, 30]
    assert batch.charges[0, 0] == cell(0)["data"]
    assert batch.provenance.steps[-1] == (
        "left out: 1 scintillator cells, 1 cells of other detectors, 1 cells of modules of the other density, "
        "1 cells of other layers, wafers or sides, 2 cells outside the module's lattice, "
        "1 repeated cells (the first was kept)"
    )
    assert read(path, density=3).charges[0].nonzero()[0].tolist() == [4]
    unknown = read(write(tmp_path / "old.root", events, without=("wafertype", "eta", "simenergy")))
    assert "no branch tc_wafertype" in unknown.provenance.steps[-1]
    assert {"eta", "sim_energy"}.isdisjoint(unknown.metadata)


def test_charge_branches_and_transverse_charge(tmp_path: Path) -> None:
    path = write(tmp_path / "n.root", [[cell(5, compressedCharge=77, eta=1.7), cell(9, zside=-1, compressedCharge=3)]])
    charge = int(cell(5, compressedCharge=77)["data"])

    def of(**options: object) -> int:
        return int(read(path, root=RootOptions(zside=1, **options)).charges[0, 5])  # type: ignore[arg-type]

    assert (of(), of(charge="compressed"), of(charge="uncompressed")) == (charge, charge, charge + 1)
    factor = int(2048 / np.cosh(np.float32(1.7)))
    assert of(transverse=True) == charge * factor // 2048
    assert len(read(path, root=RootOptions(wafer=(3, -2)))) == 2


def test_events_stay_whole_over_many_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "n.root", random_events(97, seed=2), baskets=10)
    whole = read(path)
    monkeypatch.setattr("econ_ae.data.readers.root.STEP", 7)  # events at a time, across the file's baskets
    parts = list(RootFile(path, RootOptions()).batches())
    assert len(parts) == 14
    np.testing.assert_array_equal(np.concatenate([b.charges for b, _ in parts]), whole.charges)
    np.testing.assert_array_equal(np.concatenate([b.metadata["entry"] for b, _ in parts]), whole.metadata["entry"])
    assert parts[-1][1] == 97


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    good = write(tmp_path / "good.root", random_events(60, seed=3))
    raw = good.read_bytes()
    files = {
        "text.root": (b"a,b\n1,2\n" * 50, "no ROOT file, or damaged"),
        "empty.root": (b"", "no ROOT file, or damaged"),
        "cut.root": (raw[: len(raw) // 2], "cut.root"),
        "cut_late.root": (raw[:-40], "is cut off: "),
        "flipped.root": (raw[: len(raw) // 3] + bytes(300) + raw[len(raw) // 3 + 300 :], "damaged"),
    }
    for name, (data, expected) in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=expected) as problem:
            read(tmp_path / name)
        assert "\n" not in str(problem.value)
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "absent.root")
    write(tmp_path / "other.root", random_events(2, seed=1), tree="mine/Cells")
    with pytest.raises(
        DataError, match=r"other\.root has no tree hgcalTriggerNtuplizer/HGCalTriggerNtuple; it has mine/Ce"
    ):
        read(tmp_path / "other.root")
    assert len(read(tmp_path / "other.root", root=RootOptions(tree="mine/Cells"))) > 0
    write(tmp_path / "lacks.root", random_events(2, seed=1), without=("cellu",))
    with pytest.raises(DataError, match="has no branch tc_cellu; did you mean 'tc_cellv'"):
        read(tmp_path / "lacks.root")
    write(tmp_path / "tiles.root", [[cell(1, subdet=10)]])
    with pytest.raises(DataError, match="no trigger cell is left of 1 events; left out: 1 scintillator cells"):
        read(tmp_path / "tiles.root")
    write(tmp_path / "large.root", [[cell(1, data=1 << 22)]])
    with pytest.raises(DataError, match=r"large.root, events up to 1: charge 4194304 .* trigger cell 1"):
        read(tmp_path / "large.root")
    write(tmp_path / "code.root", [[cell(1) | {"compressedCharge": 300}]])
    with pytest.raises(DataError, match="7-bit codes"):
        read(tmp_path / "code.root", root=RootOptions(charge="compressed"))


def test_without_uproot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "n.root", [[cell(0)]])
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(ConfigError, match=r"pip install 'econ-ae\[root\]'"):
        read(path)


def test_conversion_through_the_command_line(command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "n.root", random_events(80, seed=4))
    code, out, err = command("data", "convert", "n.root", "--out", "n.h5", "--layers", "9,10", "--zside", "1")
    assert (code, out.split(":")[0]) == (0, "n.h5"), err
    expected = read("n.root", root=RootOptions(layers=(9, 10), zside=1))
    stored = read("n.h5")
    np.testing.assert_array_equal(stored.charges, expected.charges)
    assert stored.provenance == expected.provenance
    code, _, err = command("data", "convert", "n.root", "--out", "n.h5")
    assert (code, err) == (2, "econ-ae: n.h5 exists; give --overwrite to replace it, or another --out\n")
    code, _, err = command("data", "convert", "n.root", "--out", "n.csv")
    assert code == 2
    assert "ends in .h5" in err
    code, _, err = command("data", "convert", "n.root", "--out", "x.h5", "--wafer", "3")
    assert (code, len(err.strip().splitlines())) == (2, 1)
    code, _, err = command("data", "convert", "n.root", "--out", "empty.h5", "--layers", "40")
    assert code == 2
    assert "no trigger cell is left" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["n.h5", "n.root"]


_MEMORY = """
import sys
from pathlib import Path
from econ_ae.data.readers import root
from econ_ae.data.readers.hits import RootOptions
root._STEP = "1 MB"
file = root.RootFile(Path(sys.argv[1]), RootOptions())
peaks = []
for batch, done in file.batches():
    status = Path("/proc/self/status").read_text()  # getrusage would count the parent process too
    peaks.append(int(status.split("VmHWM:")[1].split()[0]) // 1024)
print(len(file), len(peaks), peaks[len(peaks) // 5], peaks[-1])
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    some = random_events(400, seed=5, hits=400)
    path = write(tmp_path / "long.root", some * 20, baskets=400)
    found = subprocess.run([sys.executable, "-c", _MEMORY, path], capture_output=True, text=True, check=True)
    events, steps, early, late = map(int, found.stdout.split())
    assert (events, steps > 50) == (8000, True)
    assert late - early < 20, f"peak memory rose from {early} to {late} MB"
