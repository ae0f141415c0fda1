"""Files of generated events: all of it is read back, every command takes them, a damaged truth is named."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from econ_ae.data.events_writer import write
from econ_ae.data.readers import read
from econ_ae.data.synthetic.endcaps import PILEUP_200, EndcapParameters, Gun, chunks, generate
from econ_ae.data.synthetic.endcaps.layers import depths
from econ_ae.data.truth import Truth, read_truth
from econ_ae.data.whole_events import WholeEvents, from_npz
from econ_ae.errors import DataError
from tests.data import whole_events

Command = Callable[..., tuple[int, str, str]]
SETTINGS = EndcapParameters(Gun(("electron", "jet", "pion")), pileup=replace(PILEUP_200, mu=1))
EVENTS, SEED = 12, 3


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "made.npz"
    write(path, chunks(EVENTS, SEED, SETTINGS), depths())
    return path


def same(one: WholeEvents, other: WholeEvents) -> None:
    np.testing.assert_array_equal(one.batch.charges, other.batch.charges)
    assert set(one.batch.metadata) == set(other.batch.metadata)
    for name, values in one.batch.metadata.items():
        np.testing.assert_array_equal(values, other.batch.metadata[name], err_msg=name)
    for name in ("x_cm", "y_cm", "z_cm", "gev_per_count"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.truth is not None
    assert other.truth is not None
    for column in fields(Truth):
        np.testing.assert_array_equal(getattr(one.truth, column.name), getattr(other.truth, column.name))


def test_round_trip(file: Path) -> None:
    made, found = generate(EVENTS, SEED, SETTINGS), from_npz(file)
    same(made, found)
    provenance = found.batch.provenance
    assert provenance.synthetic
    assert provenance.steps[0] == "generated whole events: electron, jet, pion, pileup 1, seed 3"
    assert list(file.parent.iterdir()) == [file], "nothing is left beside it"


def test_some_events_with_their_truth(file: Path) -> None:
    same(generate(EVENTS, SEED, SETTINGS).of_events([2, 9]), from_npz(file, [9, 2]))


def test_pileup_alone_has_an_empty_truth(tmp_path: Path) -> None:
    parameters = replace(SETTINGS, gun=Gun(()))
    write(tmp_path / "soft.npz", chunks(2, 1, parameters), depths())
    truth = from_npz(tmp_path / "soft.npz").truth
    assert truth is not None
    assert len(truth) == 0


def test_events_of_the_reader_are_written_back(tmp_path: Path) -> None:
    raw = whole_events.arrays()
    whole = from_npz(whole_events.write(tmp_path / "in.npz"))
    assert write(tmp_path / "out.npz", [whole[:50], whole[50:]], raw["z_cm_of_layer"].astype(float)) == len(whole)
    with np.load(tmp_path / "out.npz") as copy:
        assert set(copy.files) == set(raw)
        for name, values in raw.items():
            np.testing.assert_array_equal(copy[name], values, err_msg=name)
    assert not from_npz(tmp_path / "out.npz").batch.provenance.synthetic
    with pytest.raises(DataError, match="charges are no counts of 4E3M codes"):
        write(tmp_path / "no.npz", [replace(whole, batch=whole.calibrated())], depths())
    with pytest.raises(DataError, match=r"no.npz: no module has charge; expected particles or pileup"):
        write(tmp_path / "no.npz", [whole[:0]], depths())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.npz", "out.npz"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"truth_pt": None}, "has no array 'truth_pt'; expected all columns of the truth"),
    ({"truth_pt": np.full(24, -1.0)}, "bad.npz, truth 0: pt is -1.0; expected above 0"),
    ({"truth_eta": np.full(24, np.nan)}, "bad.npz, truth 0: eta is nan; expected a number"),
    ({"truth_kind": np.full(24, "muon")}, "truth 0: kind is muon; expected one of electron, photon, pion, jet"),
    ({"truth_kind": np.zeros(24)}, "array 'truth_kind' is of type float64; expected text"),
    ({"truth_zside": np.zeros(24, int)}, "truth 0: zside is 0; expected -1 or 1"),
    ({"truth_event": np.zeros(24)}, "array 'truth_event' is of type float64; expected integers"),
    ({"truth_phi": np.zeros(3)}, r"array 'truth_phi' has shape (3,); expected (24,)"),
    ({"generator": np.zeros(3)}, "array 'generator' is of type float64, shape (3,); expected one text"),
]


@pytest.mark.parametrize(("changed", "message"), BAD, ids=lambda value: str(value)[:25])
def test_a_damaged_truth(file: Path, tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with np.load(file) as good:
        content = {name: good[name] for name in good.files} | changed
    np.savez(tmp_path / "bad.npz", **{name: values for name, values in content.items() if values is not None})
    with pytest.raises(DataError) as caught:
        from_npz(tmp_path / "bad.npz")
    assert message in str(caught.value)


def test_no_archive(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("none")
    with pytest.raises(DataError, match=r"text.npz breaks off or is damaged \(File is not a zip file\)"):
        read_truth(tmp_path / "text.npz")


def test_command(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "made.npz"
    options = ("--events", "20", "--particles", "photon", "--pt", "20:30", "--seed", "4", "--single")
    code, text, _ = command("data", "generate", "--out", str(out), *options)
    assert (code, text.split(": ")[1].split(",")[0]) == (0, "20 events")
    whole = from_npz(out)
    assert whole.truth is not None
    assert (set(whole.truth.kind), len(whole.truth)) == ({"photon"}, 20)
    assert 20 <= whole.truth.pt.min() < whole.truth.pt.max() <= 30
    same(whole, generate(20, 4, EndcapParameters(Gun(("photon",), 20, 30, pairs=False))))
    # As any file of whole events: what it holds, with the events divided.
    code, text, _ = command("data", "describe", str(out), "--json")
    facts = json.loads(text)
    assert (code, facts["synthetic"], facts["rows"][:8]) == (0, True, "by event")
    assert facts["events"] == len(read(out)) == len(whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--pt", "5:1"), "whole events: pT from 5 to 1 GeV; expected a rising range in 0 to 1000"),
        (("--pt", "many"), "--pt 'many' is no range; expected for example 5:100"),
        (("--eta", "0:3"), "whole events: eta from 0 to 3; expected a rising range in 1.2 to 3.6"),
        (("--particles", "electron,elektron"), "particle 'elektron' is unknown; expected one of electron"),
        (("--events", "0"), "--events"),
        (("--out", "events.h5"), "events.h5 is no name of a file of whole events; expected one that ends in .npz"),
    ],
    ids=str,
)
def test_mistakes(command: Command, tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    code, _, problem = command("data", "generate", "--out", str(tmp_path / "x.npz"), *options)
    assert (code, message in problem, problem.count("\n")) == (2, True, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_replaced_unasked(command: Command, file: Path) -> None:
    before = file.read_bytes()
    code, _, problem = command("data", "generate", "--out", str(file), "--events", "1")
    assert (code, "exists; give --overwrite to replace it" in problem) == (2, True)
    assert file.read_bytes() == before
    assert zipfile.ZipFile(file).testzip() is None
