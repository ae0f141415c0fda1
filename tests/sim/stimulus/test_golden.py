"""The rules behind the expected outputs, against econ_ae.econt where the chip has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from econ_ae.econt.autoencoder import template
from econ_ae.econt.words import ORBIT
from econ_ae.econt.words import crossings as chip_crossings
from rtl_gen.verilog import DATAPATH, default_options, ports
from sim.stimulus.golden import charges_of, configuration, crossings, frames, general_frames
from sim.stimulus.settings import Settings, settings_list


@pytest.mark.parametrize("number", range(18))
def test_general_formatter_is_the_chips(number: int) -> None:
    model = template()
    rng = np.random.default_rng(number)
    settings = settings_list(model, 3)[number]
    latents = rng.integers(0, 512, (50, 16))
    codes, crossing = rng.integers(0, 512, 50), rng.integers(0, ORBIT, 50)
    arguments = (settings, latents, codes, crossing)
    assert np.array_equal(frames(*arguments), general_frames(*arguments))


def test_frame_of_three_links_by_hand() -> None:
    # 9-bit latents 0, 0, ..., and 0b100000001 with its two end bits kept: the data are 11 and zeros in front.
    model = template()
    settings = replace(Settings.plain(model), keep=(0,) * 15 + (0b100000001,), elinks=1)
    latents = np.zeros((1, 16), np.int64)
    latents[0, 15] = 0b100000001
    (bits,) = frames(settings, latents, np.array([0b101010101]), np.array([17]))
    shown = "".join(str(b) for b in bits[::-1])
    assert shown == "00001" + "101010101" + "0" * 16 + "11" + "0" * 128


def test_front_end_is_the_chips_also_for_selects_without_a_cell() -> None:
    model, rng = template(), np.random.default_rng(2)
    options = replace(default_options(model, DATAPATH), density=3)
    codes = rng.integers(0, 128, (20, 48))
    mux = tuple(int(c) for c in rng.integers(0, 48, 48))
    factors = tuple(int(f) for f in rng.integers(0, 4096, 48))
    settings = replace(Settings.plain(model), mux=mux, calibration=factors)
    beyond = replace(settings, mux=(63, *mux[1:]))
    here, there = charges_of(codes, settings, options), charges_of(codes, beyond, options)
    assert np.array_equal(here[:, 1:], there[:, 1:])
    assert set(there[:, 0]) == {4 * factors[0] >> 11}


def test_crossings_are_those_of_the_words() -> None:
    rng = np.random.default_rng(4)
    bx0 = rng.random(9000) < 1 / 1500
    words = np.where(bx0, 0x9, 0xA).astype(np.uint32)[:, None] << np.uint32(28) | np.zeros((1, 12), np.uint32)
    assert np.array_equal(crossings(bx0), chip_crossings(words))
    assert list(crossings(np.zeros(3, np.bool_), first=ORBIT - 2)) == [3562, 3563, 0]


def test_settings_use_every_width_of_the_ports() -> None:
    model = template()
    block = {port.name: port.width for port in ports(model, default_options(model, DATAPATH))}
    everything = settings_list(model, 1)
    assert {s.elinks for s in everything} >= {0, 1, 2, 3, 4, 5, 15}
    assert any(not any(s.keep) for s in everything)
    for settings in everything:
        values = configuration(settings, ports(model, default_options(model, DATAPATH)))
        assert all(0 <= value < 1 << block[name] for name, value in values.items())
