"""The test program of an emulator library: every kind of difference is seen, in whatever event it is.

The models that it loads are small ones, made for this: the encoder sends what charges say, the decoder makes charges of
the frame, and one of them errs where it is told to. So everything about an event is known to the test.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from econ_ae.app.export.emulator import library
from econ_ae.app.export.emulator.sources import sources
from econ_ae.app.export.frames import conditions, frame_words
from econ_ae.app.export.networks import BOUND, Networks, networks_of
from econ_ae.app.run.context import Context
from econ_ae.errors import VerificationError
from tests.hls_toolchain import require_toolchain

NAME = "tried_v1"
NOT_A_NUMBER, FRACTION, SUM = 91, 92, 93
"""Charges of cell 1 for which the decoder errs."""
MODELS = """
#include <cmath>
#include "model.h"
#include "tried_v1.h"
using namespace tried_v1;
struct Encoder : Model {
  EncoderInput in = {};
  void prepare_input(std::any input) override { in = *std::any_cast<EncoderInput *>(input); }
  void predict() override {}
  void read_result(std::any result) override {
    EncoderResult &out = *std::any_cast<EncoderResult *>(result);
    for (int i = 0; i < FRAME_WORDS; i++) out.frame[i] = in.charges[i];
    LATENTS
  }
};
struct Decoder : Model {
  DecoderInput in = {};
  void prepare_input(std::any input) override { in = *std::any_cast<DecoderInput *>(input); }
  void predict() override {}
  void read_result(std::any result) override {
    DecoderResult &out = *std::any_cast<DecoderResult *>(result);
    out = {};
    const float total = in.frame[0] + in.frame[1];
    for (int i = 0; i < 2; i++) {
      out.fractions[i] = in.frame[i] / total;
      out.charges[i] = EXACT ? in.frame[i] : out.fractions[i] * total;
    }
    out.sum = total;
    if (in.frame[1] == 91) out.charges[0] = NAN;
    if (in.frame[1] == 92) out.fractions[0] = std::nextafter(out.fractions[0], 1.0f);
    if (in.frame[1] == 93) out.sum = std::nextafter(total, 0.0f);
  }
};
extern "C" Model *create_model() { return new MODEL; }
extern "C" void destroy_model(Model *model) { delete model; }
"""


@dataclass(frozen=True)
class Program:
    """A built test program.

    Parameters
    ----------
    folder : of it and of the models
    networks : of the run whose events it takes
    """

    folder: Path
    networks: Networks

    def line(self, first: int, second: int, *, word: int = 0, latent: int = 0, off: float = 0.0) -> str:
        """Return an event of two charges; ``word``, ``latent``, ``off`` are what the file gets wrong."""
        model, total = self.networks.model, first + second
        known = len(conditions(self.networks.decoder))
        words = frame_words(model)
        charges = [first, second] + [0] * (model.input.cells - 2)
        frame = [first, second + word] + [0] * (words - 2)
        sent = [1] if model.sends_cells else [first, second + latent] + [0] * (model.latents - 2)
        decoded = [first + off * total, *charges[1:]]
        return " ".join(map(str, [0, *charges, *[1.5] * known, *frame, *sent, total, *decoded])) + "\n"

    def run(self, lines: list[str]) -> library.Built:
        """Run it on events; its exit code is compared with what it printed."""
        (self.folder / "events.txt").write_text("".join(lines))
        done = subprocess.run(
            ["./test", ".", "events.txt"], cwd=self.folder, capture_output=True, text=True, check=False
        )
        return library.judged(NAME, done.stdout + done.stderr, passed=done.returncode == 0)


@pytest.fixture(scope="module", params=["layers_run", "cells_run"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    require_toolchain()
    context: Context = request.getfixturevalue(request.param)
    networks, folder = networks_of(context), tmp_path_factory.mktemp("program")
    cells = networks.model.sends_cells
    files = sources(networks, NAME)
    for file in ("test.cpp", "model.h", f"{NAME}.h"):
        (folder / file).write_text(files[file])
    latents = "" if cells else "for (int i = 0; i < 2; i++) out.latents[i] = in.charges[i];"
    text = MODELS.replace("LATENTS", latents).replace("EXACT", "true" if cells else "false")
    (folder / "encoder.cpp").write_text(text.replace("MODEL;", "Encoder;"))
    (folder / "decoder.cpp").write_text(text.replace("MODEL;", "Decoder;"))
    for source, made in (("encoder", f"{NAME}.so"), ("decoder", f"{NAME}_decoder.so")):
        compile_ = ["g++", "-std=c++17", "-fPIC", "-shared", "-o", made, f"{source}.cpp"]
        subprocess.run(compile_, cwd=folder, check=True)
    subprocess.run(["g++", "-std=c++17", "-Wall", "-Werror", "-o", "test", "test.cpp", "-ldl"], cwd=folder, check=True)
    return Program(folder, networks)


def test_what_is_right_passes(program: Program) -> None:
    found = program.run([program.line(30, 10), program.line(7, 3, off=0.9 * BOUND)])
    assert (found.right, found.events, found.differ, found.latents, found.fractions) == (True, 2, 0, 0, 0)
    assert found.largest == pytest.approx(0.9 * BOUND, rel=1e-6)
    library.check(found)


CASES: dict[str, Callable[[Program], str]] = {
    "charge": lambda p: p.line(30, 10, off=0.25),
    "word": lambda p: p.line(30, 10, word=1),
    "number": lambda p: p.line(30, NOT_A_NUMBER),
    "fraction": lambda p: p.line(30, FRACTION),
    "sum": lambda p: p.line(30, SUM),
}


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("case", CASES)
def test_one_event_that_is_wrong_is_seen_wherever_it_is(program: Program, case: str, place: int) -> None:
    lines = [program.line(30, 10), program.line(12, 5), program.line(9, 4)]
    lines[place] = CASES[case](program)
    found = program.run(lines)
    assert not found.right
    expected = {"charge": 0.25, "number": float("inf")}.get(case, 0.0)
    assert found.largest == pytest.approx(expected, abs=1e-6)
    assert (found.differ, found.latents) == (case == "word", 0)
    assert found.fractions == (case in {"fraction", "sum", "number"})
    with pytest.raises(VerificationError, match=r"tried_v1: \d of 3 frames differ"):
        library.check(found)


def test_the_largest_difference_is_kept_beside_one_that_is_no_number(program: Program) -> None:
    lines = [program.line(30, 10, off=0.5), program.line(30, NOT_A_NUMBER), program.line(30, 10, off=0.25)]
    assert program.run(lines).largest == float("inf")
    assert program.run([lines[0], lines[2]]).largest == pytest.approx(0.5, rel=1e-6)


def test_latents_are_compared(program: Program) -> None:
    if program.networks.model.sends_cells:
        assert "latents" not in (program.folder / f"{NAME}.h").read_text().split("EncoderResult")[1].split("};")[0]
        return
    found = program.run([program.line(30, 10), program.line(30, 10, latent=1)])
    assert (found.right, found.differ, found.latents, found.fractions) == (False, 0, 1, 0)
    with pytest.raises(VerificationError, match="latents of 1, sums or fractions of 0"):
        library.check(found)


RIGHT = (
    "events 3 frames that differ 0 latents that differ 0 fractions or sums that differ 0\n"
    "largest difference 3.999999999e-06\nencoded 10 events/s decoded 20 events/s\n"
)


def test_exit_code_and_numbers_must_agree() -> None:
    assert library.judged("x", RIGHT, passed=True) == library.Built("x", 3, 0, 0, 0, 3.999999999e-06, 10, 20)
    with pytest.raises(VerificationError, match="x: the test program's exit code says a difference, and it printed"):
        library.judged("x", RIGHT, passed=False)
    with pytest.raises(VerificationError, match="exit code says success, and it printed: events 3 frames "):
        library.judged("x", RIGHT.replace("frames that differ 0", "frames that differ 1"), passed=True)
    with pytest.raises(VerificationError, match=r"x: the test program gave no result: cannot open y.so"):
        library.judged("x", "cannot open\n y.so\n", passed=False)


def test_numbers_are_printed_finely_enough_to_be_judged(program: Program) -> None:
    for off, right in ((BOUND * 0.9999, True), (BOUND * 1.0001, False)):
        assert program.run([program.line(3 << 19, 1 << 19, off=off)]).right is right
