"""The command line: mistakes get one clear line and exit code 2, and leave nothing half-written."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from econ_ae.ir import codec

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def econ_ae(command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return command


def calq(*rows: str) -> str:
    return "\n".join([",".join(f"CALQ_{i}" for i in range(48)), *rows]) + "\n"


def row(cell: int = 0, value: str = "5") -> str:
    return ",".join(value if i == cell else "1" for i in range(48))


BAD_DATA = {
    "empty file": ("", "empty"),
    "header only": (calq(), "no row"),
    "wrong column count": (calq(row(), "1,2,3"), "row 2"),
    "non-numeric cell": (calq(row(), row(7, "many")), "CALQ_7"),
    "negative charge": (calq(row(3, "-5")), "CALQ_3"),
    "not a number": (calq(row(3, "nan")), "CALQ_3"),
    "charge above 22 bits": (calq(row(3, "4194304")), "CALQ_3"),
    "code above 127": (",".join(f"CODE_{i}" for i in range(48)) + "\n" + row(9, "128") + "\n", "CODE_9"),
    "no known columns": ("a,b\n1,2\n", "CALQ_0"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data_is_one_line_and_writes_nothing(case: str, econ_ae: Run, tmp_path: Path) -> None:
    text, expected = BAD_DATA[case]
    (tmp_path / "in.csv").write_text(text)
    code, _, err = econ_ae("run", "--data", "in.csv", "--out", "result")
    assert code == 2
    assert err.startswith("econ-ae: ")
    assert len(err.strip().splitlines()) == 1
    assert "in.csv" in err
    assert expected in err
    assert not (tmp_path / "result").exists()


def test_missing_file(econ_ae: Run, tmp_path: Path) -> None:
    code, _, err = econ_ae("run", "--data", "absent.csv")
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert "absent.csv" in err
    assert not (tmp_path / "runs").exists()


def test_output_directory_that_exists(econ_ae: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("x")
    code, _, err = econ_ae("run", "--out", "thesis")
    assert code == 2
    assert "--overwrite to replace it, --resume to continue it" in err
    code, _, err = econ_ae("run", "--out", "thesis", "--overwrite")
    assert code == 2
    assert "something else than a run" in err
    assert (tmp_path / "thesis" / "chapter").is_file()


def test_unknown_configuration_key(econ_ae: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[training]\nepoch = 3\n")
    code, _, err = econ_ae("run", "--config", "mine.toml")
    assert code == 2
    assert err == "econ-ae: mine.toml: unknown key 'training.epoch'; did you mean 'epochs'?\n"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("[encoder]\nconv = [{kernel = 9, padding = 'valid'}]", "conv0: kernel (9, 9) is larger than its input"),
        ("[hardware]\nregisters = ['conv_act']", "did you mean 'conv0_act'"),
        ("[data]\nevents = 60", "expected at least one batch of 100"),
        ("[encoder]\narrangement = '8x8x2'", "did you mean '8x8x1'"),
    ],
)
def test_settings_are_checked_before_anything_is_written(
    settings: str, expected: str, econ_ae: Run, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text(settings)
    code, _, err = econ_ae("run", "--config", "mine.toml", "--out", "result")
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert expected in err
    assert not (tmp_path / "result").exists()


def test_no_simulator_on_the_path(econ_ae: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = econ_ae("run", "--out", "result")
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert "apt" in err
    assert "iverilog" in err
    assert not (tmp_path / "result").exists()


def test_options_that_exclude_each_other(econ_ae: Run) -> None:
    assert econ_ae("run", "--overwrite", "--resume", "--out", "x")[0] == 2
    assert econ_ae("run", "--preset", "quick", "--config", "mine.toml")[0] == 2
    assert econ_ae("run", "--resume")[0] == 2


def test_stages_need_a_run_and_their_order(econ_ae: Run) -> None:
    code, _, err = econ_ae("verify", "nowhere")
    assert (code, err) == (2, "econ-ae: nowhere does not exist; make one with: econ-ae run --out nowhere\n")


def test_data_describes_a_source_as_json(econ_ae: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(calq(*[row(i) for i in range(48)]))
    code, out, err = econ_ae("data", "in.csv", "--json")
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert (facts["source"], facts["synthetic"], facts["events"]) == ("in.csv", False, 48)
    assert (facts["mean_occupancy"], facts["median_total_calq"]) == (48.0, 52.0)
    assert facts["train_events"] + facts["validation_events"] + facts["report_events"] == 48
    assert econ_ae("data", "describe", "in.csv", "--json") == (code, out, err)


def test_replay_compares_every_row(econ_ae: Run, reference: Path) -> None:
    code, out, _ = econ_ae("econt", "replay", str(reference / "econt_vectors"), "--config", "BC_5eTx")
    assert (code, out) == (0, "BC_5eTx  3564/3564 rows\n")
    autoencoder = "AE_8x8_c8_S2_ele_qkeras"
    code, out, _ = econ_ae("econt", "replay", str(reference / "econt_vectors"), "--config", autoencoder, "--json")
    result = json.loads(out)[0]
    assert code == 0
    assert (result["name"], result["rows"], result["equal"], result["ok"]) == (autoencoder, 3564, 3564, True)
    assert (result["elinks"], result["how_elinks_known"]) == (2, "columns that the output uses")


def test_replay_shows_the_first_differing_row(econ_ae: Run, reference: Path, tmp_path: Path) -> None:
    source = reference / "econt_vectors" / "BC_5eTx"
    folder = tmp_path / "vectors" / "BC_5eTx"
    folder.mkdir(parents=True)
    (tmp_path / "vectors" / "testInput.csv").write_bytes((source.parent / "testInput.csv").read_bytes())
    (folder / "init.yaml").write_bytes((source / "init.yaml").read_bytes())
    lines = (source / "testOutput.csv").read_text().splitlines()
    lines[8] = ("0" if lines[8][0] != "0" else "1") + lines[8][1:]
    (folder / "testOutput.csv").write_text("\n".join(lines) + "\n")
    code, out, _ = econ_ae("econt", "replay", "vectors")
    assert code == 1
    assert out.splitlines()[0] == "BC_5eTx  3563/3564 rows"
    assert out.splitlines()[1].split()[:3] == ["row", "7", "expected"]
    assert out.splitlines()[2].split()[:3] == ["row", "7", "computed"]
    assert out.splitlines()[1].split()[3:] == lines[8].split(",")


def test_replay_with_the_other_address_map(econ_ae: Run, reference: Path) -> None:
    vectors = (str(reference / "econt_vectors_random"), "--config", "TS_Thr100")
    code, out, _ = econ_ae("econt", "replay", *vectors)
    assert code == 1
    assert "3564/3564 rows with address map tc0-first instead" in out
    assert econ_ae("econt", "replay", *vectors, "--address-map", "tc0-first")[0] == 0


def test_registers_import_warns_of_the_scrambled_kernel(econ_ae: Run, reference: Path, tmp_path: Path) -> None:
    file = str(reference / "econt_vectors" / "AE_8x8_c8_S2_ele_qkeras" / "init.yaml")
    code, out, err = econ_ae("registers", "import", file)
    assert code == 0
    assert "looks scrambled" in err
    as_chip = codec.loads(out)
    code, _, err = econ_ae("registers", "import", file, "--dense-order", "in-out", "--out", "encoder.json")
    assert (code, err) == (0, "encoder.json\n")
    as_trained = codec.loads((tmp_path / "encoder.json").read_text())
    assert codec.sha256(as_trained) != codec.sha256(as_chip)
    code, _, err = econ_ae("registers", "import", file, "--out", "encoder.json")
    assert code == 2
    assert "give --overwrite" in err


def test_bad_register_files_are_one_line(econ_ae: Run, reference: Path, tmp_path: Path) -> None:
    text = (reference / "econt_vectors" / "AE_8x8_c8_S2_ele_qkeras" / "init.yaml").read_text()
    wide = text.replace("mask_ae2: 65535", "mask_ae2: 65536")
    for bad, expected in ((text[: len(text) // 2], "bad.yaml"), (wide, "mask_ae2")):
        (tmp_path / "bad.yaml").write_text(bad)
        code, out, err = econ_ae("registers", "import", "bad.yaml")
        assert (code, out, len(err.strip().splitlines())) == (2, "", 1)
        assert expected in err


MISUSE = [
    ("run --resume --out nowhere", "nowhere does not exist; make one with: econ-ae run --out nowhere"),
    ("run --seed 99999999999", "options: seed = 99999999999: Input should be less than 2147483648"),
    ("run --data ''", "options: data.source = '': String should have at least 1 character"),
    ("run --config folder", "cannot read configuration folder: Is a directory; expected a TOML file"),
    ("run --config garbage", "configuration garbage is no text file; expected TOML in UTF-8"),
    ("run --config empty --data absent.csv", "cannot read absent.csv: No such file or directory"),
    ("run --data folder", "directory folder holds no *.csv; expected at least one"),
    ("run --data garbage", "garbage is no text file; expected CSV"),
    ("run --preset nope", "preset 'nope' is unknown; expected one of econ-t"),
    ("data garbage.h5", "garbage.h5 is no HDF5 file"),
    (
        "data convert synthetic --out folder.h5 --overwrite",
        "--out folder.h5 is a directory; expected the name of a file",
    ),
    (
        "data convert synthetic --out garbage/x.h5",
        "cannot write into garbage: Not a directory; choose another directory",
    ),
    ("data convert synthetic --out x.h5 --wafer 1", "options: data.root.wafer.1 = [1]: Field required"),
    ("data convert synthetic --out x.h5 --zside 5", "options: data.root.zside = 5: Input should be -1 or 1"),
    ("costs folder", "folder is not a run directory"),
    ("costs folder --clock-ns inf", "Invalid value for '--clock-ns'"),
    ("evaluate folder --elinks ''", "--elinks '' is no list of numbers"),
    ("evaluate folder --algorithms ,", "--algorithms ',' names none; expected some of ae, stc, bc, ts, rpt"),
    ("retrain folder --dead x", "--dead 'x' is no list of numbers; expected for example 3,17"),
    (
        "retrain folder --noisy 1 --noise-rate nan",
        "options: conditions.noise_rate = nan: Input should be a finite number",
    ),
    ("registers import folder", "folder: cannot be read: Is a directory"),
    ("registers import garbage", "garbage: not a text file"),
    ("econt replay garbage", "garbage: no such directory"),
]


@pytest.mark.parametrize(("line", "expected"), MISUSE, ids=[line for line, _ in MISUSE])
def test_misuse_is_one_line_and_writes_nothing(line: str, expected: str, econ_ae: Run, tmp_path: Path) -> None:
    for name in ("folder", "folder.h5"):
        (tmp_path / name).mkdir()
    for name in ("garbage", "garbage.h5"):
        (tmp_path / name).write_bytes(bytes(range(255, 100, -1)) * 20)
    (tmp_path / "empty").touch()
    before = sorted(tmp_path.rglob("*"))
    code, out, err = econ_ae(*shlex.split(line))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(f"econ-ae: {expected}")
    assert sorted(tmp_path.rglob("*")) == before
