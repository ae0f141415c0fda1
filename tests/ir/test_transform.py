"""The chip's arithmetic is the same model with every product floored."""

from __future__ import annotations

import numpy as np

from econ_ae.emulator import encode_images
from econ_ae.ir.model import EncoderModel, TrnEach
from econ_ae.ir.transform import truncate_products


def test_products_are_floored_one_by_one(econ_t_model: EncoderModel) -> None:
    model = truncate_products(econ_t_model)
    assert [layer.accumulate for layer in model.layers] == [TrnEach(7), TrnEach(8)]
    image = np.random.default_rng(2).integers(0, 20, (1, 8, 8, 1))
    conv, dense = model.layers
    padded = np.pad(image[0, :, :, 0], ((0, 1), (0, 1))).tolist()
    hidden = []
    for row in range(4):
        for col in range(4):
            for f in range(8):
                acc = int(conv.bias[f]) << 2
                for kr in range(3):
                    for kc in range(3):
                        acc += (padded[2 * row + kr][2 * col + kc] * int(conv.kernel[kr, kc, 0, f])) >> 5
                hidden.append(min(max(acc, 0), 511))
    expected = []
    for o in range(16):
        acc = int(dense.bias[o]) << 3
        for h, w in zip(hidden, dense.kernel[:, o].tolist(), strict=True):
            acc += (h * w) >> 4
        expected.append(min(max(acc, 0), 511))
    assert encode_images(model, image)[0].tolist() == expected
    assert encode_images(econ_t_model, image)[0].tolist() != expected
