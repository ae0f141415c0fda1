"""Weights out of a model and back, the published training, and the trap of the dense order."""

from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from econ_ae import emulator
from econ_ae.econt import chip, words
from econ_ae.econt.autoencoder import encoder_model, keep_masks, template
from econ_ae.econt.config import EcontConfig, Numbering
from econ_ae.econt.frontend import calibrated_charges
from econ_ae.econt.registers.dense_order import judge
from econ_ae.econt.registers.export import FORMS, chip_config, export
from econ_ae.econt.registers.import_weights import import_weights
from econ_ae.econt.registers.read import parse_config, read_config
from econ_ae.econt.vectors import read_input
from econ_ae.errors import RegisterError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import Conv2D, Dense, Pack
from econ_ae.ir.weights import pack


@pytest.fixture(scope="module")
def published(reference):
    return reference / "econt_vectors" / "AE_8x8_c8_S2_ele_qkeras"


@pytest.fixture(scope="module")
def trained(published):
    """The published float weights, quantised as the registers are: clip(floor(32 v), -32, 31)."""
    model = template()
    weights = {}
    with h5py.File(published / "encoder.hdf5") as file:
        for layer, group in zip(
            model.layers, (file["conv2d/conv2d"], file["encoded_vector/encoded_vector"]), strict=True
        ):
            weights[layer.name] = tuple(
                np.clip(np.floor(32 * group[name][()].astype(np.float64)), -32, 31).astype(np.int64)
                for name in ("kernel:0", "bias:0")
            )
    return model.with_weights(weights)


def same_weights(a, b):
    return pack(a) == pack(b)


def test_all_2144_published_numbers_follow_from_the_training(published, trained):
    undone = import_weights(published / "init.yaml", dense_order="in-out")
    assert same_weights(undone.model, trained)
    assert undone.messages == ()
    assert sum(layer.kernel.size + layer.bias.size for layer in trained.layers) == 2144


def test_scrambled_image_is_noticed(published, trained, tmp_path):
    as_published = import_weights(published / "init.yaml")
    assert not same_weights(as_published.model, trained)
    assert len(as_published.messages) == 1
    assert "looks scrambled" in as_published.messages[0]
    right = tmp_path / "right.yaml"
    right.write_text(export(trained, "econt-yaml"))
    assert import_weights(right).messages == ()


@pytest.mark.parametrize("order", ["out-in", "in-out"])
def test_order_of_structured_kernels(order, reference, published):
    """Principal components of random filters' activations stand for trained kernels: never misread, mostly found."""
    words = read_input(reference / "econt_vectors" / "testInput.csv")
    charges = calibrated_charges(read_config(published / "init.yaml"), words)
    findings = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        conv = (rng.integers(-32, 32, (3, 3, 1, 8)), rng.integers(-8, 8, 8))
        model = template().with_weights({"conv": conv, "dense": (np.zeros((128, 16), int), np.zeros(16, int))})
        trace: dict[str, np.ndarray] = {}
        emulator.encode(model, charges, trace)
        h = trace["conv_relu"].reshape(len(charges), -1).astype(float)
        components = np.linalg.svd(h - h.mean(axis=0), full_matrices=False)[2][:16].T
        kernel = np.clip(np.floor(components / components.std() * 8), -32, 31).astype(np.int64)
        findings.append(judge(kernel.T if order == "out-in" else kernel).finding)
    assert set(findings) <= {order, "undecided"}
    assert findings.count(order) >= 3


def test_kernels_without_structure_stay_undecided():
    rng = np.random.default_rng(5)
    made = [rng.integers(-32, 32, 2048) for _ in range(10)]
    made += [np.clip(rng.normal(0, 6, 2048), -32, 31).astype(int) for _ in range(10)]
    made += [np.zeros(2048, int), np.full(2048, -3)]
    assert {judge(k).finding for k in made} == {"undecided"}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_comes_back(form, econ_t_model, tmp_path):
    path = tmp_path / "weights"
    path.write_text(export(econ_t_model, form))
    for given in (None, form):
        assert same_weights(import_weights(path, form=given).model, econ_t_model)


def test_exported_chip_computes_what_the_model_computes(econ_t_model):
    """Cells through premux, words and the exported mux: latents equal those of the model on the cells."""
    keep = tuple(int(m) for m in np.random.default_rng(1).integers(0, 512, 16))
    floored = [replace(op, accumulate=chipped.accumulate) if isinstance(op, Conv2D | Dense) else op
               for op, chipped in zip(econ_t_model.ops, template().ops, strict=True)]  # fmt: skip
    model = replace(econ_t_model, ops=(*floored[:-1], Pack(keep, 3)))
    config = parse_config(export(model, "econt-yaml", EcontConfig(high_density=True)), "f")
    assert config.numbering is Numbering.PRODUCTION
    assert (config.elinks, keep_masks(config.keep_mask)) == (3, keep)
    codes = np.random.default_rng(2).integers(0, 60, (200, 48))
    by_input = np.zeros_like(codes)
    by_input[:, LOW_DENSITY.premux] = codes
    sent = words.pack_codes(by_input, Numbering.PRODUCTION)
    np.testing.assert_array_equal(words.unpack_codes(sent, Numbering.PRODUCTION), by_input)
    identity = EcontConfig(numbering=Numbering.PRODUCTION, high_density=True)
    in_cells = calibrated_charges(identity, sent)[:, LOW_DENSITY.premux]
    chip_latents = emulator.encode(encoder_model(config), calibrated_charges(config, sent))
    np.testing.assert_array_equal(chip_latents, emulator.encode(model, in_cells))
    assert chip.run(config, sent).any()


def test_models_that_the_chip_cannot_hold_are_named(econ_t_model):
    conv = econ_t_model.layers[0]
    wide = np.array(conv.kernel)
    wide[0, 0, 0, 3] = 40
    cases = [
        (replace(conv, kernel=wide), r"conv kernel number 3 is 40; expected -32..31 \(6 bits\)"),
        (replace(conv, weight=FixedFormat.parse("s0.6")), "conv kernel has format s0.6; the ECON-T has s0.5"),
        (replace(conv, stride=(1, 1), padding=((1, 1), (1, 1))), "kernel of|stride of"),
    ]
    for changed, message in cases:
        ops = tuple(changed if op is conv else op for op in econ_t_model.ops)
        with pytest.raises(RegisterError, match=message):
            export(replace(econ_t_model, ops=ops), "json")
    with pytest.raises(RegisterError, match="did you mean 'i2c-script'"):
        export(econ_t_model, "i2c-scrip")
    assert chip_config(econ_t_model).mux[0] == LOW_DENSITY.premux[28]


@pytest.mark.parametrize(
    ("form", "change", "message"),
    [
        ("json", lambda t: t.replace('"dense_bias"', '"dense_bia"'), "dense_bias is no list; expected 16"),
        ("json", lambda t: _json(t, "conv_kernel", 7, 32), "conv_kernel number 7 is 32; expected -32..31 (6 bits)"),
        ("json", lambda t: t[:-40], "no valid JSON in line"),
        ("json", lambda t: _json(t, "dense_bias", 3, 1.0), "dense_bias number 3 is 1.0; expected -32..31 (6 bits)"),
        ("json", lambda t: _json(t, "dense_bias", 3, -33), "dense_bias number 3 is -33; expected -32..31 (6 bits)"),
        ("json", lambda t: t.replace('"conv_bias"', '"dense_bias"'), "dense_bias is given twice"),
        ("hex", lambda t: t.replace("@0010 ", "@0010 -"), "line 2 has '-"),
        ("hex", lambda t: t.replace("@0010 ", "@0010 1"), "line 2 has '1"),
        ("i2c-script", lambda t: t.replace("w 0x0538 ", "w 0x0538 1_"), "line 2 has '1_"),
        ("c-header", lambda t: t.replace("16, {0x", "16, {-0x", 1), "register 0x0538 has '-0x"),
        ("c-header", lambda t: t.replace(", 16, {0x", ", 15, {0x", 1), "0x0538 has 16 bytes; its size says 15"),
        ("hex", lambda t: t[:-10], "1605 bytes of weights; expected 1608"),
        ("hex", lambda t: t.replace("@0010", "@0020"), "line 2: address @0020 after 16 bytes; expected @0010"),
        ("i2c-script", lambda t: t.replace("w 0x0548", "w 0x0538"), "line 3: register 0x0538 is given twice"),
        ("i2c-script", lambda t: t[: t.rindex("w")], "weights_byte128 of block 11 (0x0bdd) is missing"),
        ("i2c-script", lambda t: t + "w 0x0001 00\n", "address 0x0001 is no weight register"),
        ("c-header", lambda t: t.replace("{0x0548", "{0x0549"), "weights_byte16 of block 0 (0x0548) is missing"),
        ("econt-yaml", lambda t: t[: t.index("Encoder")], "holds no autoencoder weights"),
    ],
)
def test_import_errors(form, change, message, econ_t_model, tmp_path):
    path = tmp_path / "w"
    path.write_text(change(export(econ_t_model, form)))
    with pytest.raises(RegisterError) as caught:
        import_weights(path, form)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def _json(text, key, number, value):
    raw = json.loads(text)
    raw[key][number] = value
    return json.dumps(raw)
