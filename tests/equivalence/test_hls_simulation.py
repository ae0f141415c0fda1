"""Emulator = C++ of both vendors, bit for bit, through the weight port; and what breaks the C++ is found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from econ_ae.config import load_preset
from econ_ae.econt.autoencoder import encoder_model, pack_latents, sum_code
from econ_ae.econt.frontend import calibrated_charges
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.vectors import read_input, read_output
from econ_ae.econt.words import crossings
from econ_ae.emulator import input_images
from econ_ae.errors import ToolMissingError, VerificationError
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.transform import truncate_products
from rtl_gen.hls import CATAPULT, IMAGE, TYPE, VITIS, Flavour, HalfEven, HlsOptions, Weights, generate
from rtl_gen.hls.options import INCREMENT, STRUCT
from rtl_gen.writer import write_files
from sim.hls import HlsResult, verify_hls
from sim.hls.data import data_files, read_outputs
from sim.hls.toolchain import find_types, require_compiler
from sim.stimulus.images import campaign as image_campaign
from sim.stimulus.images import random_images
from tests.hls_toolchain import require_toolchain
from tests.random_models import odd_model, random_model
from tests.required import require_program

FLAVOURS: tuple[Flavour, ...] = (CATAPULT, VITIS)


@pytest.fixture(autouse=True)
def toolchain() -> None:
    require_toolchain()


def nothing(model: EncoderModel) -> np.ndarray:
    return random_images(model, 0, 1)


def passed(result: HlsResult) -> None:
    assert result.passed, result.first_mismatch
    assert result.events == result.corner_events + result.random_events + result.real_events > 0


@pytest.mark.parametrize(("flavour", "weights"), [(CATAPULT, IMAGE), (VITIS, STRUCT)])
def test_every_chip_vector(flavour: Flavour, weights: Weights, reference: Path, tmp_path: Path) -> None:
    folder = reference / "econt_vectors" / "AE_8x8_c8_S2_ele_qkeras"
    config, words = read_config(folder / "init.yaml"), read_input(folder.parent / "testInput.csv")
    model, charges = encoder_model(config), calibrated_charges(config, words)
    images = input_images(model.input, model.normalise, charges)
    result = verify_hls(model, images, tmp_path, flavour=flavour, weights=weights, random_events=100)
    passed(result)
    assert (result.real_events, len(result.weight_sets)) == (3564, 12)
    latents = read_outputs(tmp_path / "outputs.txt", result.events, model.latents)[-3564:]
    expected = read_output(folder / "testOutput.csv")
    sent = pack_latents(latents, sum_code(charges), crossings(words), model.pack.keep, elinks=config.elinks)
    assert int((sent == expected).all(axis=1).sum()) == 3564
    assert json.loads(result.report.read_text())["mismatches"] == 0


@pytest.mark.parametrize(("flavour", "half_even"), [(CATAPULT, TYPE), (VITIS, INCREMENT)])
def test_exact_encoder(flavour: Flavour, half_even: HalfEven, econ_t_model: EncoderModel, tmp_path: Path) -> None:
    real = random_images(econ_t_model, 60, 9)
    passed(verify_hls(econ_t_model, real, tmp_path, flavour=flavour, half_even=half_even, random_events=1000))


@pytest.mark.parametrize(
    ("seed", "flavour", "weights", "half_even"),
    # Model 50: the increment needs a bit more than the sum, or half of the events are wrong. Model 113: one column.
    [(50, CATAPULT, STRUCT, INCREMENT), (1, VITIS, IMAGE, TYPE), (113, CATAPULT, IMAGE, TYPE)],
)
def test_random_models(seed: int, flavour: Flavour, weights: Weights, half_even: HalfEven, tmp_path: Path) -> None:
    model = random_model(seed)
    passed(verify_hls(model, nothing(model), tmp_path, flavour=flavour, weights=weights, half_even=half_even))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_more_bits_dropped_than_the_sum_has(flavour: Flavour, tmp_path: Path) -> None:
    model = odd_model(57167434)  # its last layer drops 6 bits of a sum of 5
    passed(verify_hls(model, nothing(model), tmp_path, flavour=flavour, random_events=100))


@pytest.mark.slow
@pytest.mark.parametrize("form", [(IMAGE, TYPE), (STRUCT, INCREMENT)])
@pytest.mark.parametrize("arithmetic", ["exact", "trn_each"])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("preset", ["econ-t", "paper-4x4x3"])
def test_campaign_of_a_preset(
    preset: str, flavour: Flavour, arithmetic: str, form: tuple[Weights, HalfEven], tmp_path: Path
) -> None:
    from econ_ae.training import artifact  # noqa: PLC0415  TensorFlow takes seconds to import

    config = load_preset(preset)
    model = artifact.freeze_run(config, LOW_DENSITY, artifact.build(config, LOW_DENSITY), {})
    if arithmetic == "trn_each":
        model = truncate_products(model)
    images = random_images(model, 50_000, 8)
    options = {"flavour": flavour, "weights": form[0], "half_even": form[1]}
    result = verify_hls(model, images, tmp_path, **options, random_events=50_000)  # type: ignore[arg-type]
    passed(result)
    assert result.events > 100_000


@pytest.mark.slow
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("seed", range(100, 120))
def test_campaign_of_random_models(seed: int, flavour: Flavour, tmp_path: Path) -> None:
    model = random_model(seed)
    weights, half_even = (IMAGE, TYPE) if seed % 2 else (STRUCT, INCREMENT)
    result = verify_hls(
        model, nothing(model), tmp_path, flavour=flavour, weights=weights, half_even=half_even, random_events=5000
    )
    passed(result)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            ("DENSE_INPUT:\n    for (int input = 0; input < 128", "DENSE_INPUT:\n    for (int input = 0; input < 127"),
            "latent",
        ),
        (("480 + 6 * n", "474 + 6 * n"), "latent"),
        (("if (HAS_CELL[p])", "if (p >= 0)"), "corner event"),
    ],
)
def test_broken_cpp_is_found(change: tuple[str, str], found: str, econ_t_model: EncoderModel, tmp_path: Path) -> None:
    files = generate(econ_t_model, HlsOptions())
    assert change[0] in files["encoder.cpp"]
    files["encoder.cpp"] = files["encoder.cpp"].replace(*change)
    result = verify_hls(econ_t_model, nothing(econ_t_model), tmp_path, random_events=100, files=files)
    assert result.mismatches > 0
    assert found in str(result.first_mismatch)


def test_rounding_modes_matter(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    files = generate(econ_t_model, HlsOptions())
    files["encoder.h"] = files["encoder.h"].replace("AC_RND_CONV", "AC_RND")
    assert not verify_hls(econ_t_model, nothing(econ_t_model), tmp_path, random_events=1000, files=files).passed


def test_warnings_are_errors(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    files = generate(econ_t_model, HlsOptions())
    files["testbench.cpp"] = "int main() { int unused; }\n"
    with pytest.raises(VerificationError, match=r"does not compile: .*unused.*; see .*testbench\.log"):
        verify_hls(econ_t_model, nothing(econ_t_model), tmp_path, random_events=0, files=files)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('std::printf("events 0 mismatches 0\\n")', "compared no event"),
        ('std::printf("events 9 mismatches 0\\n")', r"wrote no outputs\.txt"),
        ('std::printf("events 9 mismatches 1\\n")', "counted 1 mismatches, its exit code is another"),
        ("", "gave no verdict"),
        ('std::printf("events 9 mismatches 0\\n"); std::fputs("odd\\n", stderr)', "warned: odd; see"),
    ],
)
def test_a_testbench_that_compares_nothing_is_an_error(
    body: str, message: str, econ_t_model: EncoderModel, tmp_path: Path
) -> None:
    files = generate(econ_t_model, HlsOptions())
    files["testbench.cpp"] = f"#include <cstdio>\nint main() {{ {body}; }}\n"
    with pytest.raises(VerificationError, match=message):
        verify_hls(econ_t_model, nothing(econ_t_model), tmp_path, random_events=0, files=files)


def test_project_runs_with_make_alone(econ_t_model: EncoderModel, tmp_path: Path) -> None:
    require_program("make")
    campaign = image_campaign(econ_t_model, nothing(econ_t_model), 10, 1)
    data = {f"data/{name}": text for name, text in data_files(campaign).items()}
    project = tmp_path / "hls"
    write_files({**generate(econ_t_model, HlsOptions()), **data}, project)
    command = ["make", "-s", "-C", str(project), f"PYTHON={sys.executable}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"events {campaign.events()} mismatches 0\n")
    golden = project / "data" / "golden.txt"
    golden.write_text(golden.read_text().replace(" 0\n", " 1\n", 1))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "mismatches 1\n" in done.stdout


def test_missing_tools_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolMissingError, match=r"ac_fixed\.h is not in .* or its include directory; see https"):
        find_types(CATAPULT, tmp_path)
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "ac_fixed.h").touch()
    assert find_types(CATAPULT, tmp_path) == (tmp_path / "include").resolve()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ToolMissingError, match=r"hls4ml is not installed; pip install hls4ml==1\.3\.0"):
        find_types(VITIS)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"apt-get install g\+\+"):
        require_compiler()
