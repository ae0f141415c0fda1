"""Calibrates the area model (``econ_ae.app.area_model``) and says how good it is.

    python -m benchmarks.area_model synthesise   # random encoders, each kept: run it again to go on
    python -m benchmarks.area_model fit          # writes coefficients into the package, results for the tests
    python -m benchmarks.area_model table        # errors on encoders that were not fitted

Another library: ``--liberty FILE --cache DIR --out FILE`` with the same three commands.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks import area_fit
from benchmarks.area_population import FIT, LARGE, TEST, encoder
from benchmarks.area_synthesis import Bench, Block
from econ_ae.app.area_model.estimate import Coefficients, Provenance
from econ_ae.config import load_preset
from econ_ae.config.skeleton import skeleton
from econ_ae.files import write_json, write_text
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from rtl_gen.costs.library.cells import read
from rtl_gen.costs.library.groups import unpacked

ROOT = Path(__file__).resolve().parents[1]
LIBERTY = ROOT.parent / "shared" / "reference" / "liberty" / "nangate45_typ.lib.gz"
CACHE = Path.home() / ".cache" / "econ-ae" / "area_model"
OUT = ROOT / "econ_ae" / "app" / "area_model" / "nangate45.json"
STORED = ROOT / "tests" / "costs" / "area_blocks.json"
"""What the tests compare the coefficients of the package with."""

LARGER = (5, 12, 17, 18, 33)
"""Seeds of the encoders for the fit that may be large."""
PRESETS = {
    "econ-t": 1278.6,
    "frontier-2elinks": 300.0,
    "frontier-3elinks": 384.0,
    "frontier-4elinks": 468.0,
    "frontier-5elinks": 470.5,
}
"""Complete block in NanGate 45, kGE, as ``econ-ae costs`` gave it (docs/costs.md, docs/frontier.md): never fitted."""

Known = dict[str, tuple[EncoderModel, Block]]


def model_of(name: str) -> EncoderModel:
    """Return the encoder of a name: ``fit_3``, ``large_5``, ``test_0``."""
    kind, _, seed = name.partition("_")
    if kind == "large":
        return encoder(FIT + int(seed), LARGE)
    return encoder(int(seed) + {"fit": FIT, "test": TEST}[kind])


def names(fitted: int, tested: int) -> Iterator[str]:
    """Yield the names of all encoders, those for the fit first."""
    yield from (f"fit_{i}" for i in range(fitted))
    yield from (f"large_{i}" for i in LARGER)
    yield from (f"test_{i}" for i in range(tested))


def synthesise(bench: Bench, wanted: list[str]) -> None:
    for name in wanted:
        block = bench.block(name, model_of(name))
        print(f"{name}: {block.kge:.1f} kGE, {block.cpu_seconds:.0f} s of processor", flush=True)


def known(bench: Bench, wanted: list[str]) -> Known:
    """Return those that have been synthesised."""
    found = {name: bench.stored(name) for name in wanted}
    return {name: (model_of(name), block) for name, block in found.items() if block is not None}


def fit(bench: Bench, found: Known, out: Path) -> None:
    fitted = {name: both for name, both in found.items() if not name.startswith("test_")}
    tested = {name: both for name, both in found.items() if name.startswith("test_")}
    recipes = {block.recipe_sha256 for _, block in found.values()}
    if len(recipes) != 1:
        raise SystemExit(
            f"the results in {bench.cache} are of {len(recipes)} recipes; expected one: take another --cache"
        )
    samples = [sample for model, block in fitted.values() for sample in area_fit.samples(model, block)]
    gates = area_fit.fit(samples)
    errors = {name: area_fit.estimate(model, gates) / 1000 / block.kge - 1 for name, (model, block) in tested.items()}
    plain = unpacked(bench.liberty, bench.cache)
    provenance = Provenance(
        "python -m benchmarks.area_model fit",
        read(plain, bench.cache).name,
        hashlib.sha256(plain.read_bytes()).hexdigest(),
        next(iter(found.values()))[1].tool,
        recipes.pop(),
        tuple(fitted),
        tuple(tested),
    )
    of = [
        area_fit.family([e for name, e in errors.items() if tested[name][0].sends_cells is cells])
        for cells in (False, True)
    ]
    rounded = {kind: tuple(float(f"{value:.4g}") for value in values) for kind, values in gates.items()}
    write_text(out, Coefficients(provenance, of[0], of[1], rounded).to_json())
    if out == OUT:
        write_json(STORED, {name: _stored(block) for name, (_, block) in tested.items()})
    print(f"{out}: {len(samples)} modules of {len(fitted)} encoders")


def _stored(block: Block) -> dict[str, str | float]:
    return {"encoder_sha256": block.encoder_sha256, "kge": block.kge, "flip_flops": block.flops(block.top)}


def left_out(fitted: Known) -> dict[str, float]:
    """Return the error of every encoder of the fit when prices are fitted to all others."""
    samples = {name: list(area_fit.samples(model, block)) for name, (model, block) in fitted.items()}
    errors = {}
    for name, (model, block) in fitted.items():
        gates = area_fit.fit([sample for other, found in samples.items() if other != name for sample in found])
        errors[name] = area_fit.estimate(model, gates) / 1000 / block.kge - 1
    return errors


def table(found: Known, coefficients: Coefficients) -> None:
    gates = coefficients.gate_equivalents
    tested = {name: both for name, both in found.items() if name.startswith("test_")}
    apart = {name: area_fit.estimate(model, gates) / 1000 / block.kge - 1 for name, (model, block) in tested.items()}
    alone = left_out({name: both for name, both in found.items() if name not in tested})
    print("| encoders | number | kGE | median error | 95 % | largest |")
    print("|---|---|---|---|---|---|")
    for what, errors in (("test", apart), ("fit, each without itself", alone), ("both", apart | alone)):
        for family, cells in (("layers", (False,)), ("cells", (True,)), ("all", (False, True))):
            chosen = [name for name in errors if found[name][0].sends_cells in cells]
            size = [found[name][1].kge for name in chosen]
            of = area_fit.family([errors[name] for name in chosen])
            numbers = " | ".join(f"{100 * value:.1f} %" for value in (of.median, of.p95, of.largest))
            print(f"| {what}: {family} | {of.encoders} | {min(size):.0f} to {max(size):.0f} | {numbers} |")
    print("\n| preset | synthesis, kGE | estimate, kGE | error |")
    print("|---|---|---|---|")
    for name, kge in PRESETS.items():
        guess = area_fit.estimate(skeleton(load_preset(name), LOW_DENSITY), gates) / 1000
        print(f"| `{name}` | {kge:.0f} | {guess:.1f} | {guess / kge - 1:+.1%} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("synthesise", "fit", "table"))
    parser.add_argument("--liberty", type=Path, default=LIBERTY)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the results of synthesis")
    parser.add_argument("--out", type=Path, default=OUT, help="coefficients")
    parser.add_argument("--fitted", type=int, default=8, help="encoders for the fit, beside the larger ones")
    parser.add_argument("--tested", type=int, default=50, help="encoders for the test")
    given = parser.parse_args()
    bench, wanted = Bench(given.cache, given.liberty), list(names(given.fitted, given.tested))
    if given.what == "synthesise":
        synthesise(bench, wanted)
    elif given.what == "fit":
        fit(bench, known(bench, wanted), given.out)
    else:
        table(known(bench, wanted), Coefficients.from_json(given.out.read_bytes()))


if __name__ == "__main__":
    main()
