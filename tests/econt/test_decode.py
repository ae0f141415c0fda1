"""The receiver recovers what was sent, from the transmitted bits alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from econ_ae import emulator, floatcodes
from econ_ae.econt import autoencoder, chip, threshold_sum
from econ_ae.econt.config import Algorithm, EcontConfig, Numbering
from econ_ae.econt.decode import decode_autoencoder, reconstruct
from econ_ae.econt.frame_reader import mid_bin
from econ_ae.errors import ConfigError, DataError

EVENTS = 300


@pytest.fixture(scope="module")
def charges():
    rng = np.random.default_rng(3)
    q = np.floor(np.exp(rng.normal(3, 2, (EVENTS, 48)))).astype(np.int64) * (rng.random((EVENTS, 48)) < 0.5)
    q[0] = 0
    return np.minimum(q, (1 << 22) - 1)


@pytest.mark.parametrize(("exponent", "mantissa", "dropped"), [(4, 3, 0), (4, 3, 3), (5, 4, 0), (5, 3, 0)])
def test_mid_bin_is_the_mean_of_the_integers_of_a_code(exponent, mantissa, dropped):
    values = np.arange(1 << 14)
    codes = floatcodes.encode(values >> dropped, exponent, mantissa)
    for code in np.unique(codes)[1:-1].tolist():
        assert mid_bin(np.array([code]), exponent, mantissa, dropped)[0] == values[codes == code].mean()
    assert mid_bin(np.array([0]), exponent, mantissa, dropped)[0] == 0


def within_bins(got, charges, dropped):
    codes = floatcodes.encode(np.minimum(charges, (1 << 18) - 1) >> dropped, 4, 3)
    np.testing.assert_array_equal(got, mid_bin(codes, 4, 3, dropped))


@pytest.mark.parametrize("numbering", list(Numbering))
@pytest.mark.parametrize("elinks", range(1, 14))
@pytest.mark.parametrize("use_sum", [False, True])
def test_best_choice(charges, elinks, numbering, use_sum):
    config = EcontConfig(numbering=numbering, algorithm=Algorithm.BEST_CHOICE, elinks=elinks, use_sum=use_sum)
    got = reconstruct(chip.frames(config, charges), config)
    count = (1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46, 48)[elinks - 1]
    assert (got.sent.sum(axis=1) == count).all()
    within_bins(got.charges[got.sent], charges[got.sent], 0)
    kept = np.sort(charges, axis=1)[:, ::-1][:, :count].sum(axis=1)
    np.testing.assert_array_equal((charges * got.sent).sum(axis=1), kept)
    # 4E3M and 5E3M bins are at most 1/8 wide, so their middle is off by at most 1/16.
    assert (np.abs(got.total - charges.sum(axis=1)) <= charges.sum(axis=1) / 16).all()
    if elinks < 13:
        np.testing.assert_allclose(got.filled.sum(axis=1), np.maximum(got.total, got.charges.sum(axis=1)), rtol=1e-12)


@pytest.mark.parametrize("stc_type", range(4))
@pytest.mark.parametrize("elinks", range(1, 6))
def test_super_trigger_cell(charges, stc_type, elinks):
    config = EcontConfig(algorithm=Algorithm.SUPER_TRIGGER_CELL, stc_type=stc_type, elinks=elinks)
    got = reconstruct(chip.frames(config, charges), config)
    size = 16 if stc_type == 1 else 4
    groups = charges.reshape(EVENTS, -1, size)
    sent = got.sent.reshape(groups.shape)[:, :, 0]
    sums = got.charges.reshape(groups.shape).sum(axis=2)
    assert (np.abs(sums - groups.sum(axis=2))[sent] <= groups.sum(axis=2)[sent] / 16).all()
    if stc_type != 2:
        where = got.charges.reshape(groups.shape).argmax(axis=2)
        at = np.take_along_axis(groups, where[..., None], axis=2)[..., 0]
        busy = sent & (groups.sum(axis=2) > 0)
        np.testing.assert_array_equal(at[busy], groups.max(axis=2)[busy])


def test_repeater(charges):
    rng = np.random.default_rng(0)
    config = EcontConfig(algorithm=Algorithm.REPEATER, drop_lsb=2, mux=tuple(rng.permutation(48).tolist()))
    got = reconstruct(chip.frames(config, charges), config)
    within_bins(got.charges, charges, 2)
    assert got.unsent.max() == 0


@pytest.mark.parametrize(("elinks", "t1", "truncates"), [(13, 338, False), (4, 96, True), (1, 24, True)])
@pytest.mark.parametrize("sync_word", [290, 0x70F, 0])
@pytest.mark.parametrize("numbering", list(Numbering))
def test_threshold_sum_stream(charges, *, elinks, t1, truncates, sync_word, numbering):
    config = EcontConfig(
        numbering=numbering, elinks=elinks, buff_t1=t1, threshold=(20,) * 48, sync_word=sync_word, use_sum=False
    )
    got = reconstruct(chip.frames(config, charges), config)
    assert got.received.sum() > EVENTS - 20
    assert got.truncated.any() == truncates
    whole = got.received & ~got.truncated
    np.testing.assert_array_equal(got.sent[whole], charges[whole] >= 20)
    assert not got.sent[~whole].any()
    within_bins(got.charges[got.sent], charges[got.sent], 0)
    sums = charges.sum(axis=1)
    assert (np.abs(got.total - sums) <= sums / 16)[got.received].all()


def test_foreign_stream_is_refused():
    config = EcontConfig(elinks=2)
    with pytest.raises(DataError, match=r"starts no frame; expected type 0, 2, 4, 6 or 7"):
        reconstruct(np.full((3, 13), 0xFFFFFFFF, np.uint32) ^ 0x0200_0000, config)


@pytest.mark.parametrize("elinks", [1, 2, 3, 4, 5, 9])
def test_autoencoder_bits(charges, elinks, make_configuration, to_config):
    rng = np.random.default_rng(elinks)
    for _ in range(4):
        c = make_configuration(rng, 4, elinks, False)
        config = replace(to_config(c), keep_mask=int.from_bytes(rng.bytes(18), "big"))
        model = autoencoder.encoder_model(config)
        latents = emulator.encode(model, charges)
        got = decode_autoencoder(chip.frames(config, charges), config)
        kept = np.array(autoencoder.keep_masks(config.keep_mask))
        # Bits that survive: kept ones, the least significant of the whole row when there are too many.
        positions = [(o, b) for o in range(16) for b in range(9) if kept[o] >> b & 1][: 18 + 32 * (min(elinks, 5) - 1)]
        expected = np.zeros_like(latents)
        for o, b in positions:
            expected[:, o] |= latents[:, o] & 1 << b
        np.testing.assert_array_equal(got.latents, expected)
        sums = charges.sum(axis=1)
        assert (np.abs(got.total - sums) <= sums / 32).all()
    with pytest.raises(ConfigError, match="decode_autoencoder"):
        reconstruct(chip.frames(config, charges), config)


def test_frame_lengths_follow_from_the_count(charges):
    built = threshold_sum.build(EcontConfig(threshold=(50,) * 48), charges, np.arange(EVENTS))
    counts = (charges >= 50).sum(axis=1)
    assert built.lengths.tolist() == [-(-threshold_sum.frame_bits(int(c)) // 16) for c in counts]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([0xF922, 0, 0, 0], "word 0 (f922) starts no frame; expected type 0, 2, 4, 6 or 7"),
        ([0xFC00, 0x0001, 0, 0], "the map behind word 0 has 1 cells; expected at least 8"),
        ([0xFA00, 1 << 13 | 63 << 7, 0, 0], "a frame sends cell 63; expected 0..47"),
    ],
)
def test_streams_that_no_chip_sends(words, message):
    frames = np.zeros((1, 13), np.uint32)
    frames[0, :2] = [words[0] << 16 | words[1], words[2] << 16 | words[3]]
    with pytest.raises(DataError) as caught:
        reconstruct(frames, EcontConfig(elinks=2))
    assert message in str(caught.value)
