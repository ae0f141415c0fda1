"""The published files, the worked event, and the replay of directories."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from econ_ae import emulator
from econ_ae.econt import chip
from econ_ae.econt.autoencoder import encoder_model
from econ_ae.econt.decode import decode_autoencoder
from econ_ae.econt.frontend import calibrated_charges
from econ_ae.econt.registers.read import read_config
from econ_ae.econt.replay import lines, replay
from econ_ae.econt.vectors import read_input, read_output
from econ_ae.errors import ConfigError, DataError, RegisterError

WORKED_X = "0 1 2 3 4 2 5 0 1 0 3 3 0 6 0 17 0 0 1 1 21 10 4 3 6 0 10 6 5 19 7 5 1 1 2 2 4 6 1 0 5 2 4 8 2 3 3 4"


def test_all_rows_of_every_configuration(reference):
    results = replay(reference / "econt_vectors") + replay(reference / "econt_vectors_random", ["TS_diffThreshold"])
    assert [(r.name, r.equal) for r in results if not r.ok or r.rows != 3564] == []
    assert len(results) == 9
    by_name = {r.name: r for r in results}
    assert by_name["AE_8x8_c8_S2_ele_qkeras"].how_elinks_known == "columns that the output uses"
    assert by_name["BC_5eTx"].how_elinks_known == "register file"
    assert "BC_5eTx                  3564/3564 rows" in lines(results)


def test_address_map_override_is_reported_and_obeyed(reference):
    directory = reference / "econt_vectors_random"
    plain, overridden = (replay(directory, ["TS_Thr100"], address_map=m)[0] for m in (None, "tc0-first"))
    assert (plain.equal, plain.first_difference.row) == (0, 0)
    assert plain.note == "3564/3564 rows with address map tc0-first instead"
    assert plain.first_difference.expected[:2] == ("fc40574e", "816b2452")
    assert overridden.ok


@pytest.mark.parametrize(
    ("change", "equal"),
    [
        (lambda t: t.replace("    link_reset_pattern: 290\n", ""), True),
        (lambda t: t.replace("link_reset_pattern: 290", "idle_pattern: 0x122"), True),
        (lambda t: t.replace("link_reset_pattern: 290", "link_reset_pattern: 0x70f"), False),
    ],
)
def test_published_idle_words_are_those_of_a_file_that_names_none(reference, tmp_path, change, equal):
    source = reference / "econt_vectors"
    folder = tmp_path / "TS"
    folder.mkdir()
    shutil.copyfile(source / "testInput.csv", folder / "testInput.csv")
    shutil.copyfile(source / "TS_Thr47_13eTx" / "testOutput.csv", folder / "testOutput.csv")
    text = (source / "TS_Thr47_13eTx" / "init.yaml").read_text()
    assert change(text) != text
    (folder / "init.yaml").write_text(change(text))
    assert replay(folder)[0].ok is equal


def test_worked_row(reference):
    folder = reference / "econt_vectors" / "AE_8x8_c8_S2_ele_qkeras"
    words = read_input(folder.parent / "testInput.csv")
    config = read_config(folder / "init.yaml")
    charges = calibrated_charges(config, words)
    model = encoder_model(config)
    latents = emulator.encode(model, charges)
    sent = decode_autoencoder(read_output(folder / "testOutput.csv"), config)
    np.testing.assert_array_equal(latents[:, :5], sent.latents[:, :5])
    np.testing.assert_array_equal(latents[:, 5] & 31, sent.latents[:, 5])
    # Specification 11 works out crossing 0 of the 5-link file, whose weights are others; the front end is the same.
    assert charges[0].sum() == 13800
    x = emulator.normalise(model, charges[:1])[0].tolist()
    assert x == [int(v) for v in WORKED_X.split()]
    assert latents[0].tolist() == [49, 20, 100, 240, 0, 85, 98, 298, 10, 14, 250, 217, 78, 65, 169, 298]
    assert [f"{w:08x}" for w in chip.run(config, words[:1])[0, :2].tolist()] == ["faaaa007", "81902831"]


@pytest.fixture
def vectors(tmp_path, reference):
    """A small copy: 20 input rows, one configuration with 15 output rows."""
    source = reference / "econt_vectors"
    (tmp_path / "BC").mkdir()
    for name, rows in (("testInput.csv", 20), ("BC/testOutput.csv", 15)):
        text = (source / name.replace("BC/", "BC_5eTx/")).read_text().splitlines()[: rows + 1]
        (tmp_path / name).write_text("\n".join(text) + "\n")
    shutil.copyfile(source / "BC_5eTx" / "init.yaml", tmp_path / "BC" / "init.yaml")
    return tmp_path


def test_shorter_output_compares_the_rows_that_exist(vectors):
    assert [(r.rows, r.equal, r.ok) for r in replay(vectors)] == [(15, 15, True)]
    assert replay(vectors / "BC")[0].ok
    expected = read_output(vectors / "BC" / "testOutput.csv")
    expected[3, 2] ^= 1
    rows = [",".join(f"{word:08x}" for word in row) for row in expected.tolist()]
    (vectors / "BC" / "testOutput.csv").write_text("\n".join(rows))
    result = replay(vectors)[0]
    assert (result.equal, result.first_difference.row) == (14, 3)
    assert replay(vectors, elinks=4)[0].equal == 0


def _cells(change):
    return lambda rows: [rows[0], *(",".join(map(change, row.split(","))) for row in rows[1:])]


@pytest.mark.parametrize(
    "write",
    [
        lambda rows: rows[1:],
        lambda rows: [",".join(map(str, range(12))), *rows[1:]],
        lambda rows: [",".join(f"ePortRx_{i}" for i in range(12)), *rows[1:]],
        lambda rows: ["", *rows, "", "  "],
        _cells(str.upper),
        _cells("0x{}".format),
        _cells(' "{}" '.format),
        _cells("'0X{}'".format),
        lambda rows: [row + "\r" for row in rows],
    ],
)
def test_csv_spellings_read_the_same(vectors, write):
    path = vectors / "testInput.csv"
    expected = read_input(path)
    path.write_bytes("\n".join(write(path.read_text().splitlines())).encode())
    np.testing.assert_array_equal(read_input(path), expected)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.replace(",", "", 1), "testInput.csv: no data rows"),
        (lambda t: _row(t, 3, lambda w: w[:-1]), "row 2 (line 4) has 11 columns; expected 12 (RX_DATA_0..RX_DATA_11)"),
        (lambda t: _row(t, 5, lambda w: [*w[:7], "a0zz0000", *w[8:]]), "row 4 (line 6), column RX_DATA_7: 'a0zz0000'"),
        (lambda t: _row(t, 2, lambda w: ["a 123456", *w[1:]]), "row 1 (line 3), column RX_DATA_0: 'a 123456'"),
        (lambda t: _row(t, 2, lambda w: [w[0] + "0", w[1][1:], *w[2:]]), "row 1 (line 3), column RX_DATA_0"),
        (lambda t: _row(t, 4, lambda _: []), "row 3 (line 5) has 0 columns"),
    ],
)
def test_csv_errors_name_row_and_column(vectors, edit, message):
    path = vectors / "testInput.csv"
    text = path.read_text()
    path.write_text(text.splitlines()[0] if "no data" in message else edit(text))
    with pytest.raises(DataError) as caught:
        replay(vectors)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def _row(text, number, change):
    rows = text.splitlines()
    rows[number] = ",".join(change(rows[number].split(",")))
    return "\n".join(rows) + "\n"


def test_replay_errors(vectors, tmp_path):
    with pytest.raises(DataError, match="did you mean 'BC'"):
        replay(vectors, ["BCC"])
    with pytest.raises(DataError, match="did you mean 'tc0-first'"):
        replay(vectors, address_map="tc0first")
    with pytest.raises(DataError, match="no such directory"):
        replay(vectors / "none")
    short = "\n".join((vectors / "testInput.csv").read_text().splitlines()[:10])
    (vectors / "testInput.csv").write_text(short)
    with pytest.raises(DataError, match=r"15 rows, but testInput\.csv has 9"):
        replay(vectors)


def test_one_wrong_configuration_does_not_hide_the_others(vectors):
    shutil.copytree(vectors / "BC", vectors / "AAA")
    (vectors / "AAA" / "init.yaml").write_text("Algorithm: {Global: {select: 9}}")
    wrong, right = replay(vectors)
    assert (wrong.ok, right.ok) == (False, True)
    assert lines([wrong, right])[0].startswith("AAA  not run: ")
    assert "register Algorithm Global select is 9; expected 0..4" in wrong.refused
    with pytest.raises(RegisterError, match="select is 9"):
        replay(vectors, ["AAA"])


def test_input_in_the_folder_of_the_configuration(vectors):
    (vectors / "testInput.csv").rename(vectors / "BC" / "testInput.csv")
    assert replay(vectors)[0].ok
    assert replay(vectors / "BC")[0].ok
    (vectors / "link").symlink_to(vectors / "BC")
    assert replay(vectors / "link")[0].name == "link"


def test_another_number_of_links_is_noted(vectors):
    registers = vectors / "BC" / "init.yaml"
    registers.write_text(registers.read_text().replace("active_etxs: 5", "active_etxs: 9"))
    result = replay(vectors)[0]
    assert (result.elinks, result.how_elinks_known, result.ok) == (9, "register file", False)
    assert result.note == "the output file uses 5 links, this configuration 9"
    assert replay(vectors, elinks=5)[0].ok


def test_type_4_is_refused(make_configuration, to_config):
    c = make_configuration(np.random.default_rng(0), 1, 2, True) | {"stc_type": 4}
    with pytest.raises(ConfigError, match="super trigger cell type 4 has no published test vectors"):
        chip.run(to_config(c), np.zeros((1, 12), np.uint32))
