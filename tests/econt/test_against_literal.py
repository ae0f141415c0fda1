"""The fast model equals the literal transcription of the specification, on inputs that no file has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from econ_ae.econt import chip
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.sorting_network import merge_exchange, sort_descending
from econ_ae.econt.vectors import read_input, read_output

ALGORITHMS = {"threshold sum": 0, "super trigger cell": 1, "best choice": 2, "repeater": 3, "autoencoder": 4}


@pytest.fixture(scope="module")
def compare(literal, make_configuration, make_words, to_config):
    def run(seed, select, elinks, production, *, events, **fixed):
        rng = np.random.default_rng(seed)
        c = make_configuration(rng, select, elinks, production) | fixed
        words = make_words(rng, events)
        got = chip.run(to_config(c), words)
        expected = literal.run(c, words.tolist())
        np.testing.assert_array_equal(got, expected, err_msg=f"seed {seed}: {c | {'image': '...'}}")

    return run


@pytest.mark.parametrize("production", [False, True], ids=["prototype", "production"])
@pytest.mark.parametrize("elinks", range(1, 14))
@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_on_every_link_count(compare, name, elinks, production):
    seed = 100 * elinks + 10 * ALGORITHMS[name] + production
    compare(seed, ALGORITHMS[name], elinks, production, events=12)


@pytest.mark.parametrize("stc_type", range(4))
@pytest.mark.parametrize("elinks", range(1, 7))
def test_every_super_trigger_cell_type(compare, stc_type, elinks):
    compare(elinks, 1, elinks, True, events=30, stc_type=stc_type)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    select=st.integers(0, 4),
    elinks=st.integers(1, 13),
    production=st.booleans(),
    events=st.integers(1, 12),
)
def test_any_configuration(compare, *, seed, select, elinks, production, events):
    compare(seed, select, elinks, production, events=events)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(40))
def test_wide_campaign(compare, block):
    rng = np.random.default_rng(block)
    for seed in rng.integers(0, 2**32, 50).tolist():
        select, elinks, events = seed % 5, 1 + seed // 5 % 13, 5 + seed % 60
        compare(seed, select, elinks, bool(seed & 1 << 20), events=events)


def test_network_sorts_and_breaks_ties_like_the_literal_one(literal):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4, (48, 200)).astype(np.int32)
    ordered = sort_descending(values, 6)
    for event in range(200):
        assert (ordered[:, event] & 63).tolist() == literal.batcher(values[:, event].tolist())


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 48])
def test_network_is_a_sorting_network(size):
    # Zero-one principle, exhaustive for the small sizes.
    count = min(1 << size, 4096)
    patterns = np.arange(count) if count == 1 << size else np.random.default_rng(size).integers(0, 1 << size, count)
    values = (patterns[None, :] >> np.arange(size)[:, None] & 1).astype(np.int32)
    ordered = sort_descending(values, 6) >> 6
    np.testing.assert_array_equal(ordered, -np.sort(-values, axis=0))
    assert all(len(set(u) | set(v)) == 2 * len(u) for u, v in merge_exchange(size))


def test_literal_model_equals_the_published_files(literal, reference):
    """The transcription itself is right: a stretch of every published file that starts at crossing 0."""
    compared = 0
    for directory in (reference / "econt_vectors", reference / "econt_vectors_random"):
        words = read_input(directory / "testInput.csv")[:40].tolist()
        for folder in sorted(p for p in directory.iterdir() if p.is_dir()):
            r = read_config(folder / "init.yaml")
            c = {
                "select": int(r.algorithm), "elinks": r.elinks, "production": r.numbering == "production",
                "hd": r.high_density, "mux": r.mux, "cal": r.calibration, "thr": r.threshold, "drop": r.drop_lsb,
                "stc_type": r.stc_type, "use_sum": r.use_sum, "sync": r.sync_word, "t1": r.buff_t1, "t2": r.buff_t2,
                "t3": r.buff_t3, "keep": r.keep_mask, "image": int.from_bytes(r.weights, "little"),
                "flip_map": folder.name == "TS_Thr100",
            }  # fmt: skip
            assert literal.run(c, words) == read_output(folder / "testOutput.csv")[:40].tolist(), folder.name
            compared += 1
    assert compared == 10
