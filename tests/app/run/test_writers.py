"""Whoever writes holds the directory's lock and knows that it can be written, before any long work."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.run.test_lock import holder

Run = Callable[..., tuple[int, str, str]]

IN_A_RUN = [
    (("train", "RUN"), "econ_ae.app.stages.train.train"),
    (("freeze", "RUN"), "econ_ae.app.stages.freeze.random_images"),
    (("generate", "RUN"), "rtl_gen.verilog.generate"),
    (("generate", "RUN", "--block", "block"), "rtl_gen.verilog.generate_block"),
    (("generate", "RUN", "--target", "vitis"), "rtl_gen.hls.generate"),
    (("verify", "RUN"), "econ_ae.app.stages.verify.verify"),
    (("verify", "RUN", "--suite", "block"), "sim.i2c.verify_block"),
    (("verify", "RUN", "--suite", "datapath", "--simulator", "verilator"), "sim.verilator.verify_million"),
    (("costs", "RUN"), "econ_ae.app.costing.design"),
    (("power", "RUN", "--liberty", "cells.lib"), "econ_ae.app.netlist.design"),
    (("report", "RUN"), "econ_ae.app.stages.report.reconstruct"),
    (("quantisation", "RUN"), "econ_ae.app.stages.train.train"),
    (("evaluate", "RUN"), "econ_ae.app.studies.compare.reconstruct"),
    (("evaluate", "RUN", "--out", "OUT"), "econ_ae.app.studies.compare.reconstruct"),
    (("retrain", "RUN", "--dead", "3", "--out", "OUT"), "econ_ae.app.studies.retrain.write_data"),
]
"""Commands, and the work that must not have begun when they are refused."""
ELSEWHERE = [
    (("run", "--out", "OUT"), "econ_ae.app.stages.data.prepare"),
    (("data", "convert", "synthetic", "--out", "OUT/set.h5"), "econ_ae.app.studies.convert._open"),
    (("registers", "map", "RUN", "--out", "OUT/map.md"), "rtl_gen.registers.address_map"),
]

FULL = """
import contextlib, io, json, shutil, subprocess, sys
from pathlib import Path
from econ_ae.app import cli

source, place, how, commands = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", place], check=True)
shutil.copytree(source, place / "run")
if how == "full":
    with contextlib.suppress(OSError), (place / "filling").open("wb", buffering=0) as filling:
        while filling.write(bytes(4096)):
            pass
else:
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
ends = []
for arguments in commands:
    sys.argv = ["econ-ae", *arguments]
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            cli.main()
        except SystemExit as stop:
            ends.append([stop.code, said.getvalue()])
print(json.dumps(ends))
"""


def given(arguments: tuple[str, ...], run: Path, out: Path) -> list[str]:
    return [a.replace("RUN", str(run)).replace("OUT", str(out)) for a in arguments]


def forbid(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: Any, **__: Any) -> None:
        raise AssertionError(f"{work} began")

    monkeypatch.setattr(work, started)


def content(path: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in path.rglob("*") if p.is_file() and not p.name.startswith(".lock")}


def test_every_writer_waits_for_its_turn(path: Path, command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    out = path.parent / "out"
    before = content(path)
    processes = [holder(path), holder(out)]
    try:
        for arguments, work in IN_A_RUN:
            with monkeypatch.context() as patch:
                forbid(work, patch)
                code, said, err = command(*given(arguments, path, out))
            place, process = (out, processes[1]) if "OUT" in arguments else (path, processes[0])
            assert (code, said, len(err.splitlines())) == (2, "", 1), (arguments, err)
            assert f"{place} is in use by process {process.pid} on " in err, arguments
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert content(path) == before
    assert content(out) == {}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_what_cannot_be_written_is_found_before_any_work(
    number: int, path: Path, command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", fail)
    before = content(path)
    for arguments, work in IN_A_RUN + ELSEWHERE:
        with monkeypatch.context() as patch:
            forbid(work, patch)
            code, out, err = command(*given(arguments, path, path.parent / "out"))
        assert (code, out, len(err.splitlines())) == (2, "", 1), (arguments, err)
        assert err.startswith("econ-ae: cannot write into "), arguments
        assert err.endswith(": no; choose another directory\n"), arguments
    assert content(path) == before
    assert not (path.parent / "out").exists()


@pytest.mark.parametrize(("how", "said"), [("full", "No space left on device"), ("locked", "Read-only file system")])
def test_real_disks(how: str, said: str, path: Path) -> None:
    """The same on a file system that is full, and on one that is read-only, where the machine lets us make one."""
    place = path.parent / "disk"
    place.mkdir()
    commands = [given(arguments, place / "run", place / "out") for arguments, _ in IN_A_RUN + ELSEWHERE]
    apart = ["unshare", "--mount", sys.executable, "-c", FULL]
    ended = subprocess.run(
        [*apart, str(path), str(place), how, json.dumps(commands)], capture_output=True, text=True, check=False
    )
    if "mount" in ended.stderr and ended.returncode:
        pytest.skip("no file system can be mounted here")
    assert ended.returncode == 0, ended.stderr
    ends = json.loads(ended.stdout)
    assert len(ends) == len(commands)
    for arguments, (code, text) in zip(commands, ends, strict=True):
        assert (code, len(text.splitlines())) == (2, 1), (arguments, text)
        assert text.startswith("econ-ae: cannot write into "), arguments
        assert text.endswith(f": {said}; choose another directory\n"), (arguments, text)


def test_a_directory_that_was_made_for_nothing_goes_again(path: Path, command: Run) -> None:
    out = path.parent / "new" / "out"
    code, _, err = command("evaluate", str(path), "--elinks", "14", "--out", str(out))
    assert code == 2, err
    assert not out.exists()
