"""The C++ library of a run: built, loaded as an emulator does, compared; and what it must notice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from econ_ae import process
from econ_ae.app.export.emulator import library
from econ_ae.app.run.context import Context
from econ_ae.errors import ConfigError, ToolMissingError, VerificationError
from econ_ae.files import sha256
from rtl_gen.hls import VITIS
from sim.hls.toolchain import find_types
from tests.hls_toolchain import require_toolchain

Command = Callable[..., tuple[int, str, str]]

HLS4ML_EMULATOR = """
#pragma once
#include <any>
namespace hls4mlEmulator {
class Model {
 public:
  virtual void prepare_input(std::any input) = 0;
  virtual void predict() = 0;
  virtual void read_result(std::any result) = 0;
  virtual ~Model() = default;
};
}
"""
"""A class of that name with other members in another order: what is derived from it is seen by the compiler."""


@pytest.fixture(scope="module", autouse=True)
def toolchain() -> None:
    require_toolchain()
    process.require("make")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    types = f"AP_TYPES={find_types(VITIS)}"
    return subprocess.run(
        ["make", *arguments, *([] if any("AP_TYPES" in a for a in arguments) else [types])],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_libraries_encode_and_decode_as_the_run_does(exported: Context, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("export", str(exported.run.path), "--format", "emulator", "--version", "3", "--out", str(out))
    code, printed, error = command(*arguments, "--json")
    assert code == 0, error
    row = json.loads(printed)[0]
    name = f"{exported.model().name}_v3"
    assert (row["library"], row["events"], row["frames that differ"]) == (name, len(exported.rows("report")), 0)
    assert float(row["largest difference of a charge / module sum"]) <= library.BOUND
    manifest = json.loads((out / "export.json").read_text(encoding="utf-8"))
    assert manifest["files"][f"{name}/encoder.cpp"] == sha256(out / name / "encoder.cpp")
    assert manifest["libraries"] == [name]
    assert not list(out.rglob("ap_*.h"))  # headers are found, not copied
    code, _, error = command(*arguments)
    assert (code, "give --overwrite" in error) == (2, True)

    folder = out / name
    missing = make(folder, "AP_TYPES=/nowhere", f"{name}.so")
    assert missing.returncode
    assert "ap_fixed.h is not in '/nowhere'; pip install hls4ml or set AP_TYPES" in missing.stderr
    built = make(folder, f"{name}_decoder.so")
    assert not built.returncode, built.stderr
    symbols = subprocess.run(
        ["nm", "-DC", str(folder / f"{name}_decoder.so")], capture_output=True, text=True, check=True
    ).stdout
    defined = {line.split(maxsplit=2)[2] for line in symbols.splitlines() if " T " in line}
    assert defined == {"create_model", "destroy_model"}  # two versions can be loaded side by side


def test_a_later_make_with_another_base_class_builds_anew(layers_run: Context, tmp_path: Path) -> None:
    """The decoder alone, which needs no ap_types: the name of the class that it derives from is in the library."""
    folder, theirs = tmp_path / "source", tmp_path / "theirs"
    for file, text in library.sources(library.networks_of(layers_run), "based_v1").items():
        library.write_text(folder / file, text)
    theirs.mkdir()
    (theirs / "emulator.h").write_text(HLS4ML_EMULATOR)

    def build(*arguments: str) -> tuple[bool, int]:
        done = make(folder, "based_v1_decoder.so", *arguments)
        assert not done.returncode, done.stderr
        made = folder / "based_v1_decoder.so"
        return b"N14hls4mlEmulator5ModelE" in made.read_bytes(), made.stat().st_mtime_ns

    use = f"HLS4ML_EMULATOR={theirs}"
    own, first = build()
    assert not own
    assert build() == (False, first)  # nothing has changed
    assert build(use)[0]
    (theirs / "emulator.h").write_text(HLS4ML_EMULATOR.replace("class Model {", "class Model {\n#error changed"))
    changed = make(folder, "based_v1_decoder.so", use)
    assert changed.returncode
    assert "#error changed" in changed.stderr
    (theirs / "emulator.h").write_text(HLS4ML_EMULATOR)
    _, second = build(use)
    assert build(use) == (True, second)
    assert not build()[0]
    missing = make(folder, "based_v1_decoder.so", "HLS4ML_EMULATOR=/nowhere")
    assert missing.returncode
    assert "emulator.h is not in '/nowhere'; give its directory as HLS4ML_EMULATOR" in missing.stderr


def test_names_of_libraries() -> None:
    assert library.library_names({"a": "x", "b": "y"}, 2) == {"a": "x_v2", "b": "y_v2"}
    assert library.library_names({"CE-E": "x", "b": "x"}, 1) == {"CE-E": "x_CE_E_v1", "b": "x_b_v1"}
    with pytest.raises(ConfigError, match="CE-E and CE_E would both be the library x_CE_E_v1; give one of"):
        library.library_names({"CE-E": "x", "CE_E": "x"}, 1)
    with pytest.raises(ConfigError, match="b and c would both be the library x_b_v1"):
        library.library_names({"a": "x", "b": "x", "c": "x_b"}, 1)


@pytest.mark.slow
def test_a_library_with_another_weight_is_noticed(layers_run: Context, tmp_path: Path) -> None:
    networks = library.networks_of(layers_run)
    rows = layers_run.rows("report")[:40]
    lines = library.events(layers_run, networks, rows)
    folder, scratch = tmp_path / "source", tmp_path / "scratch"
    scratch.mkdir()
    files = library.sources(networks, "broken_v1")
    image = files["registers.h"]
    first = image.index("    ") + 4
    end = image.index(",", first)
    files["registers.h"] = image[:first] + str(int(image[first:end]) ^ 16) + image[end:]
    for name, text in files.items():
        library.write_text(folder / name, text)
    found = library.built(folder, "broken_v1", lines, find_types(VITIS), scratch)
    assert found.events == 40
    assert found.differ > 0
    with pytest.raises(VerificationError, match=f"broken_v1: {found.differ} of 40 frames differ"):
        library.check(found)


def test_headers_that_are_not_there(layers_run: Context, command: Command, tmp_path: Path) -> None:
    arguments = ("export", str(layers_run.run.path), "--format", "emulator", "--out", str(tmp_path / "out"))
    code, _, error = command(*arguments, "--types", str(tmp_path))
    assert code == ToolMissingError.exit_code
    assert "ap_fixed.h is not in" in error
    assert not (tmp_path / "out").exists()
