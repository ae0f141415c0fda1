"""The summary of a retraining: EMD before and after on the same events, and the I2C writes between the two."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from econ_ae.app.cells import sends_cells
from econ_ae.app.headline import headline_rows
from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import FACTS, HISTORY, REPORT, TRAINING, VERIFICATION, VERIFY, Context
from econ_ae.app.run.made import made
from econ_ae.errors import RunDirectoryError
from econ_ae.files import write_json, write_text
from econ_ae.ir import codec, weights
from econ_ae.ir.model import EncoderModel

SUMMARY = "retrain.json"
CHANGED_BYTES = "i2c_changed_bytes.csv"
CHANGED_WRITES = "i2c_changed_bytes.txt"
JOINED_WRITES = "i2c_shortest.txt"
CHANGED_YAML = "registers_changed.yaml"
IMAGES = "emd.csv"

I2C_ADDRESS = 0x20
_TRAINED = {
    "all": "encoder and decoder",
    "encoder": "encoder",
    "dense": "dense layers of the encoder, and decoder",
    "decoder": "decoder",
}
_TRAINED_CELLS = {
    "all": "choice of the mode (in the chip) and the decoder's network (in the receiver); the decoder's table stays",
    "encoder": "choice of the mode (in the chip); the receiver's decoder stays",
    "decoder": "the decoder's network (in the receiver); nothing in the chip",
}


def summarise(run: Context, before: Context, after: Context, out: Path, changes: Sequence[str]) -> dict[str, Any]:
    """Compare the run, the old weights under the conditions and the new ones; write page, JSON and I2C files.

    Parameters
    ----------
    changes : what is different, in words
    """
    from metrics.report.retraining import Retraining, Step, render_retraining
    from metrics.statistics import paired_difference, summarise

    seed = run.config.seed
    old, new = (emd_of(context) for context in (before, after))
    steps = []
    for name, context, result in (
        ("old weights, before the conditions", run, emd_of(run)),
        ("old weights, under the conditions", before, old),
        ("new weights, under the conditions", after, new),
    ):
        found = summarise(result, seed)
        there = context is not run and context.run.has(REPORT)
        link = f"{context.run.path.name}/{REPORT}/index.html" if there else ""
        steps.append(Step(name, found.mean, found.median, found.n_defined, found.n_undefined, link))
    difference, bus = write_difference(before, after, out)
    elinks = after.model().elinks
    page = Retraining(
        made=made(),
        title=f"{run.config.name}: retrained for {'; '.join(changes)}",
        synthetic=bool(run.json(FACTS)["synthetic"]),
        conditions=list(changes),
        steps=steps,
        difference=paired_difference(new, old, seed),
        changed=len(difference.changed),
        size=difference.size,
        bits=difference.bits,
        blocks=difference.by_block,
        bus=bus,
        rivals=[
            row
            for row in (headline_rows(after.path(REPORT)) if after.run.has(REPORT) else [])
            if row["eLinks"] == elinks and "autoencoder" not in row["algorithm"] and row["receiver"] != "exact charges"
        ],
        facts=_facts(run, before, after),
    )
    ImageEmd.of(old, new).write(out / IMAGES)
    summary = asdict(page) | {"verdict": page.verdict, "significance": page.difference.significance}
    write_json(out / SUMMARY, summary)
    write_text(out / "index.html", render_retraining(page))
    return json.loads(json.dumps(summary))


def emd_of(context: Context) -> Any:
    """Return the EMD of a run's report events, reconstructed from the transmitted bits."""
    from metrics.emd import emd

    batch = context.rows("report")
    return emd(batch.charges, reconstruct(context, context.model(), batch).charges, context.geometry)


def write_difference(before: Context, after: Context, out: Path) -> tuple[Any, list[Any]]:
    """Write the I2C writes and the YAML of what changes; return the difference and the ways of writing it."""
    from metrics.report.retraining import BusRow
    from rtl_gen.registers import address_map, bus_seconds, changed_csv, i2c_sequence, weight_difference, weight_writes
    from rtl_gen.registers.sequence import FREQUENCIES

    layout = address_map(after.model())
    new = weights.pack(after.model())
    difference = weight_difference(layout, weights.pack(before.model()), new)
    write_text(out / CHANGED_BYTES, changed_csv(difference))
    write_text(out / CHANGED_YAML, changed_yaml(difference, before.model(), after.model()))
    ways = (
        ("changed bytes alone", difference.writes, CHANGED_WRITES),
        ("changed bytes, short gaps written again", difference.joined, JOINED_WRITES),
        ("all weights", weight_writes(layout, new), ""),
    )
    rows = []
    for name, writes, file in ways:
        if file:
            write_text(out / file, i2c_sequence(writes, I2C_ADDRESS, one_transaction=True))
        times = {f // 1000: bus_seconds(writes, f) * 1e3 for f in FREQUENCIES}
        rows.append(BusRow(name, len(writes), sum(len(w.data) for w in writes), times, file))
    return difference, rows


@dataclass(frozen=True, eq=False)
class ImageEmd:
    """EMD of every report image, float64 (n,); NaN where it is not defined.

    Parameters
    ----------
    old, new : with the old and the new weights
    """

    old: NDArray[np.float64]
    new: NDArray[np.float64]

    @classmethod
    def of(cls, old: Any, new: Any) -> ImageEmd:
        """Return that of two results of ``metrics.emd``."""
        return cls(*(np.where(found.defined, found.values, np.nan) for found in (old, new)))

    def write(self, path: Path) -> None:
        """Write a CSV file; an undefined EMD is an empty cell."""
        rows = zip(self.old.tolist(), self.new.tolist(), strict=True)
        text = "\n".join(",".join("" if math.isnan(value) else repr(value) for value in row) for row in rows)
        write_text(path, f"old,new\n{text}\n")

    @classmethod
    def read(cls, path: Path) -> ImageEmd:
        """Read such a file; RunDirectoryError when it is missing or damaged."""
        try:
            head, *lines = path.read_text(encoding="utf-8").splitlines()
            values = np.array([[float(cell or "nan") for cell in line.split(",")] for line in lines], np.float64)
        except (OSError, ValueError) as problem:
            raise RunDirectoryError(f"{path} is missing or damaged; retrain again") from problem
        if head != "old,new" or values.shape != (len(lines), 2):
            raise RunDirectoryError(f"{path} is damaged; retrain again")
        return cls(values[:, 0], values[:, 1])


def changed_yaml(difference: Any, old: EncoderModel, new: EncoderModel) -> str:
    """Return what changes in registers as YAML: bytes by address and, of an encoder of cells, limits and biases.

    ``limits`` and ``bias`` have [old, new] by number of the limit, or of class and mode; what is not there stays.
    """
    told: dict[str, Any] = {
        "bytes": {f"0x{c.address:04X}": {"block": c.block, "old": c.old, "new": c.new} for c in difference.changed}
    }
    if new.sends_cells:
        was, now = old.cell_code.choose, new.cell_code.choose
        told["limits"] = _changes(was.limits, now.limits)
        by_class = enumerate(zip(was.bias, now.bias, strict=True))
        told["bias"] = {number: found for number, rows in by_class if (found := _changes(*rows))}
    return yaml.dump(told, sort_keys=False, width=120, default_flow_style=None)


def _changes(old: Sequence[int], new: Sequence[int]) -> dict[int, list[int]]:
    pairs = enumerate(zip(old, new, strict=True))
    return {number: [int(was), int(now)] for number, (was, now) in pairs if was != now}


def _facts(run: Context, before: Context, after: Context) -> dict[str, Any]:
    training = after.config.training
    history = after.json(TRAINING, HISTORY)
    return {
        "run": run.run.path.name,
        "trained": (_TRAINED_CELLS if sends_cells(after.config) else _TRAINED)[training.trains],
        "epochs": len(history),
        "learning_rate": training.learning_rate,
        "training_events": len(after.rows("train")),
        "validation_loss_first_epoch": history[0]["validation_loss"],
        "validation_loss_best": min(e["validation_loss"] for e in history),
        "old_encoder_sha256": codec.sha256(run.model())[:12],
        "new_encoder_sha256": codec.sha256(after.model())[:12],
        "Verilog_with_old_weights": _verified(before),
        "Verilog_with_new_weights": _verified(after),
    }


def _verified(context: Context) -> str:
    if not context.run.has(VERIFY):
        return "not simulated again"
    result = context.json(VERIFY, VERIFICATION)
    return f"{result['mismatches']} mismatches in {result['events']} events"
