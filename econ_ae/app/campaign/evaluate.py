"""`econ-ae evaluate` on a campaign: every module by the encoder and the decoder of its class, on any events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from econ_ae.app.campaign import judge, members
from econ_ae.app.headline import TRANSMITTED
from econ_ae.app.run.context import Context
from econ_ae.app.run.lock import lock
from econ_ae.app.run.made import made
from econ_ae.app.stages.data import read_batch
from econ_ae.app.stages.report import signed
from econ_ae.app.studies.compare import EVALUATION, Compared, compare, facts_of, write_comparison
from econ_ae.config import changed
from econ_ae.config.campaign import ALL, CampaignConfig
from econ_ae.data.batch import Batch
from econ_ae.errors import ConfigError
from econ_ae.files import write_json, write_text
from econ_ae.geometry import LOW_DENSITY
from econ_ae.progress import Progress
from metrics.baselines import Reconstruction, flat_image
from metrics.emd import EmdResult
from metrics.evaluate import evaluate as evaluated
from metrics.report.tabular import Cell, Link, Table, TablePage, render_tables
from metrics.statistics import Measured, summarise
from metrics.transmitted import transmitted

_OURS = "ae"
_WHAT = "what each class is told to send"


def evaluate(
    path: Path,
    algorithms: Sequence[str],
    out: Path,
    progress: Progress,
    *,
    source: str | None = None,
    experiment: str | None = None,
) -> tuple[list[dict[str, Any]], bool]:
    """Evaluate every class on its own eLinks and all together; return the rows, and whether events were generated.

    Writes an evaluation per class into ``out``, the page of all and ``evaluation.json``. A row is one of
    ``econ-ae evaluate`` with its ``class`` before it. In the rows of ``all`` are the algorithms that every class has;
    the row of the autoencoder there has what each class is told to send, an encoder or an algorithm of the chip.

    Parameters
    ----------
    algorithms : as ``studies.compare.compare``
    source : a file with other events, all of which are taken; None takes the report events of every class
    experiment : that plots name; None takes that of the settings

    Raises
    ------
    RunDirectoryError
        When it is no campaign, or a member is unfinished, damaged or of another class.
    DataError
        When the file cannot be read, a class has no module in it, or a module is in no class.
    """
    campaign, found = members.opened(path, progress)
    config = campaign.config
    place = path if out.resolve().is_relative_to(path.resolve()) else out
    with lock(place, progress):
        classes: dict[str, Compared] = {}
        with progress.bar("classes evaluated", len(config.classes)) as bar:
            for name, klass in config.classes.items():
                if klass.members:
                    one = members.chosen(config, name, found)
                    classes[name] = compare(
                        [one], algorithms, [klass.elinks], out / name, source=source, experiment=experiment
                    )
                else:
                    classes[name] = _without_encoder(
                        config, name, found, algorithms, out / name, source=source, experiment=experiment
                    )
                bar.advance(1, name)
        rows = [{"class": name, **row} for name, one in classes.items() for row in one.rows]
        rows += [{"class": ALL, **row} for row in _total(classes, next(iter(found.values())).config.seed)]
        synthetic = any(one.synthetic for one in classes.values())
        _write(out, config, rows, synthetic=synthetic, source=source)
    return rows, synthetic


def _without_encoder(
    config: CampaignConfig,
    name: str,
    found: Mapping[str, Context],
    algorithms: Sequence[str],
    out: Path,
    *,
    source: str | None,
    experiment: str | None,
) -> Compared:
    """Evaluate a class that sends with an algorithm of the chip, which stands where others have the autoencoder."""
    klass, own = config.classes[name], judge.rows_of(config, name, found)
    batch: Batch = own.report
    if source is not None:
        batch = read_batch(
            changed(config.first, "options", data={"source": source, "modules": {"take": name}}), LOW_DENSITY
        )
    assert klass.algorithm is not None  # it has no members
    links, tune = [klass.elinks], own.train.charges
    names = list(dict.fromkeys([*(a for a in algorithms if a != _OURS), klass.algorithm]))
    sent = transmitted(batch.charges, LOW_DENSITY, links, names, tune=tune)
    tried = judge.variants(own.validation, klass.elinks, klass.algorithm, own.train)
    best = min(tried, key=lambda variant: judge.rank(tried[variant], own.validation))
    stands = next(r for r in sent.reconstructions if judge.variant_of(r) == best and r.elinks == klass.elinks)
    compared: list[Reconstruction] = [flat_image(batch.charges), *sent.reconstructions]
    if _OURS in algorithms:
        compared.insert(0, _standing(stands))
    evaluation = evaluated(batch.charges, compared, LOW_DENSITY, config.first.seed, metadata=batch.metadata)
    title = f"Evaluation of class {name}: {klass.elinks} eLinks"
    return write_comparison(
        out,
        title,
        evaluation,
        batch,
        facts_of(batch),
        streams=sent.streams,
        notes=[f"The class has no encoder: the autoencoder's rows are those of {best}, which it is told to send."],
        told=signed(config.first, experiment),
    )


def _standing(sent: Reconstruction) -> Reconstruction:
    """Return a reconstruction under the name of the autoencoder."""
    bits = sent.bits
    return Reconstruction(_OURS, judge.variant_of(sent), sent.elinks, bits, sent.charges, sent.frame_bits)


def _total(classes: Mapping[str, Compared], seed: int) -> list[dict[str, Any]]:
    """Return the rows of all images together, of what every class has."""
    parts = [_by_name(one) for one in classes.values()]
    rows = []
    for key in parts[0]:
        if not all(key in part for part in parts):
            continue
        joined = [part[key][1] for part in parts]
        summary = summarise(
            EmdResult(
                np.concatenate([result.values for result in joined]),
                np.concatenate([result.defined for result in joined]),
            ),
            seed,
        )
        name, variant = key
        rows.append(
            {
                "receiver": TRANSMITTED,
                "algorithm": parts[0][key][0],
                "variant": _WHAT if name == _OURS else variant or "-",
                "eLinks": "-",
                "mean": summary.mean.value,
                "error": summary.mean.error,
                "median": summary.median.value,
                "16 %": summary.low.value,
                "84 %": summary.high.value,
                "events": summary.n_defined,
                "undefined": summary.n_undefined,
            }
        )
    return rows


def _by_name(one: Compared) -> dict[tuple[str, str], tuple[str, EmdResult]]:
    """Return the entries of a class by algorithm and variant; our own by the algorithm alone."""
    found = {}
    for entry in one.evaluation.entries:
        sent = entry.reconstruction
        key = (sent.algorithm, "" if sent.algorithm == _OURS else sent.variant)
        found[key] = (sent.name, entry.result)
    return found


def _write(
    out: Path, config: CampaignConfig, rows: list[dict[str, Any]], *, synthetic: bool, source: str | None
) -> None:
    total = {(row["algorithm"], row["variant"]): row for row in rows if row["class"] == ALL}
    if not total:
        raise ConfigError("no algorithm is known to every class; give more with --algorithms")
    ours = next((row for row in total.values() if row["variant"] == _WHAT), next(iter(total.values())))
    tables = []
    for name in (ALL, *config.classes):
        shown: list[dict[str, Cell]] = [
            {
                "algorithm": row["algorithm"],
                "variant": row["variant"],
                "mean EMD": Measured(row["mean"], row["error"]),
                "median": row["median"],
                "images": row["events"],
                "without EMD": row["undefined"],
            }
            for row in rows
            if row["class"] == name
        ]
        if name != ALL:
            shown = [{"page": Link("page", f"{name}/index.html"), **row} for row in shown]
        tables.append(Table(f"Class {name}" if name != ALL else "All classes together", shown))
    page = TablePage(
        made=made(),
        kind="evaluation of a campaign",
        title=f"{config.name} on {'its report events' if source is None else Path(source).name}",
        synthetic=synthetic,
        headline=f"Mean EMD of all images {ours['mean']:.4f} with {ours['algorithm']} ({ours['variant']}).",
        lead="Every module is sent on the eLinks of its class, by its class's encoder, and decoded by its class's "
        "decoder, from the transmitted bits alone. ± is the bootstrap standard error of images.",
        tables=tables,
    )
    write_text(out / "index.html", render_tables(page))
    write_json(out / EVALUATION, {"rows": rows, "source": source, "synthetic": synthetic})
