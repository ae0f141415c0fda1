"""The command line: mistakes get one clear line and exit code 2, and leave nothing half-written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from econ_ae import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def econ_ae(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run the command line in an empty directory; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["econ-ae", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return run


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
    code, out, _ = econ_ae("data", "in.csv", "--json")
    assert code == 0
    assert '"48"' in out
