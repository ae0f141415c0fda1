"""The commands that compare and adapt finished runs: thin, every command is one function call elsewhere."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from econ_ae.app.cli.options import Json, RunPath, continued_by, decimals, numbers
from econ_ae.errors import ConfigError


def quantisation(run_path: RunPath, as_json: Json = False) -> None:
    """Compare a run's network in float with its integers after several ways of training; trains what is missing."""
    from econ_ae.app.cli.console import Terminal, print_table
    from econ_ae.app.run.context import open_run
    from econ_ae.app.studies.quantisation import compare

    context = open_run(run_path, Terminal(quiet=as_json))
    rows = compare(context)
    if not as_json:
        rows = [{k: v if isinstance(v, str) else f"{v:.3f}" for k, v in row.items()} for row in rows]
    print_table("Mean EMD of the report events", rows, as_json=as_json)


def widths(
    run_path: RunPath,
    price: Annotated[float, typer.Option(min=0, help="Validation loss that 100 kGE are worth; 0: widths are free.")],
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: the run's.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier search of the run.")] = False,
    as_json: Json = False,
) -> None:
    """Learn the bit widths of a run's layers with their weights, at a price per area; keep what nothing beats."""
    from dataclasses import asdict

    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.run.context import open_run
    from econ_ae.app.studies.widths import learn

    found = learn(open_run(run_path, Terminal(quiet=as_json)), price, epochs, overwrite=overwrite)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_table("Encoders that no other epoch beats in both loss and area", [one.row() for one in found])
    typer.echo("Each is an ordinary configuration: econ-ae run --config FILE trains and verifies it.")


def _names(algorithms: str) -> list[str]:
    names = [name.strip() for name in algorithms.split(",") if name.strip()]
    if not names:
        raise ConfigError(
            f"--algorithms {algorithms!r} names none; expected some of ae, stc, bc, ts, rpt, abc, ccc, with commas"
        )
    return names


def _evaluate_campaign(
    path: Path,
    algorithms: str,
    out: Path | None,
    data: str | None,
    *,
    experiment: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    from econ_ae.app.campaign.evaluate import evaluate as run
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.studies.compare import evaluation_folder

    folder = evaluation_folder(path, out, overwrite=overwrite)
    rows, synthetic = run(path, _names(algorithms), folder, Terminal(quiet=as_json), source=data, experiment=experiment)
    if as_json:
        print_json(rows)
        return
    events = "report events" if data is None else f"events of {data}"
    typer.echo(f"Mean EMD of the {events}{' (synthetic)' if synthetic else ''}, each module on its own eLinks.")
    shown = ("class", "algorithm", "variant", "eLinks")
    print_table(
        "From the transmitted bits",
        [{k: str(row[k]) for k in shown} | {"mean EMD": f"{row['mean']:.4f} ± {row['error']:.4f}"} for row in rows],
    )
    typer.echo(f"evaluation: {folder / 'index.html'}")


def evaluate(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories, families, or a campaign.")],
    algorithms: Annotated[str, typer.Option(help="What is compared, with commas.")] = "ae,stc,bc,ts,rpt,abc,ccc",
    elinks: Annotated[
        str | None, typer.Option(help="eLink counts, with commas; default: the runs' settings and encoders.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="File with other events; default: the runs' report events.")] = None,
    out: Annotated[Path | None, typer.Option(help="Directory to write; default: evaluation/ in the first run.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the evaluation in --out.")] = False,
    experiment: Annotated[
        str | None, typer.Option(help="Name inside the plots, in bold; default: the settings of the first run.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare runs and the chip's other algorithms at equal transmitted bits: EMD, second opinions, a page."""
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.headline import by_elinks, who_wins
    from econ_ae.app.run.context import open_run
    from econ_ae.app.run.family import is_campaign, run_paths
    from econ_ae.app.studies.compare import EVALUATION, compare, evaluation_folder

    if any(is_campaign(path) for path in runs):
        if len(runs) > 1 or elinks is not None:
            raise ConfigError("a campaign is evaluated alone, every class on its own eLinks; leave out the rest")
        _evaluate_campaign(runs[0], algorithms, out, data, experiment=experiment, overwrite=overwrite, as_json=as_json)
        return
    counts = None if elinks is None else sorted(set(numbers(elinks, "--elinks")))
    names = _names(algorithms)
    contexts = [open_run(path, Terminal(quiet=as_json)) for run in runs for path in run_paths(run)]
    folder = evaluation_folder(runs[0], out, overwrite=overwrite)
    found = compare(contexts, names, counts, folder, source=data, experiment=experiment)
    rows = found.rows
    if as_json:
        print_json(rows)
        return
    events = "report events" if data is None else f"events of {data}"
    kind = " (synthetic)" if found.synthetic else ""
    typer.echo(f"Mean EMD of the {events}{kind}, in units of half a trigger-cell pitch;")
    typer.echo("in brackets the error of the last digits.")
    print_table("From the transmitted bits", by_elinks(rows))
    for sentence in who_wins(folder / EVALUATION):
        typer.echo(sentence)
    typer.echo(f"evaluation: {folder / 'index.html'}")


def _retrain_campaign(
    run_path: Path, out: Path, plan: Any, classes: str | None, *, resume: bool, as_json: bool
) -> None:
    from econ_ae.app.campaign.retrain import retrain as run
    from econ_ae.app.cli.console import Terminal, print_json, print_table

    names = None if classes is None else [name.strip() for name in classes.split(",")]
    summary = run(run_path, out, plan, Terminal(quiet=as_json), classes=names, resume=resume)
    if as_json:
        print_json(summary)
        return
    rows = [
        {
            "class": row["class"],
            "old weights": f"{row['old']:.4f}",
            "new weights": f"{row['new']:.4f}",
            "difference": _difference_text(row["difference"]),
            "bytes": f"{row['changed']} of {row['size']}",
            "ms at 400 kHz": f"{row['milliseconds']['400']:.2f}",
        }
        for row in summary["classes"]
    ]
    print_table("Mean EMD of the new report images, in units of half a trigger-cell pitch", rows)
    typer.echo(summary["verdict"])
    typer.echo(f"summary: {out / 'index.html'}")


def _difference_text(difference: dict[str, Any]) -> str:
    """Return a difference of JSON with its error, where that is known."""
    error = "" if difference["error"] is None else f" ± {difference['error']:.4f}"
    return f"{difference['value']:+.4f}{error}"


def retrain(
    run_path: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory, or that of a campaign.")],
    data: Annotated[
        str | None, typer.Option(help="File with new images, divided by the run's settings; default: its own rows.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Classes of a campaign, with commas; default: all that have an encoder.")
    ] = None,
    dead: Annotated[str | None, typer.Option(help="Trigger cells that send nothing, with commas.")] = None,
    dead_count: Annotated[int | None, typer.Option(min=0, help="Dead trigger cells, drawn at random.")] = None,
    noisy: Annotated[str | None, typer.Option(help="Trigger cells with extra counts, with commas.")] = None,
    noise_rate: Annotated[float | None, typer.Option(help="Share of the crossings with extra counts.")] = None,
    noise_counts: Annotated[float | None, typer.Option(help="Mean of the extra counts.")] = None,
    partial: Annotated[str | None, typer.Option(help="Part of the module that is there, for example top.")] = None,
    drift: Annotated[float | None, typer.Option(help="Standard deviation of the cells' gains around 1.")] = None,
    pileup: Annotated[float | None, typer.Option(help="Factor of the mean charge, by overlay or thinning.")] = None,
    per_module: Annotated[
        bool, typer.Option("--per-module", help="Draw gains and dead cells, and overlay pileup, module by module.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: a fifth of the run's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: a quarter of the run's.")] = None,
    only: Annotated[str, typer.Option(help="all, encoder, dense (and decoder) or decoder.")] = "all",
    out: Annotated[Path | None, typer.Option(help="Directory to write; default: a new one beside RUN.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the retraining in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Train on from a run's weights under new conditions; show EMD and I2C writes before and after."""
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.run.directory import fresh_path
    from econ_ae.app.run.family import is_campaign
    from econ_ae.app.studies.retrain import retrain as run
    from econ_ae.app.studies.retrain_plan import Plan
    from econ_ae.config import ConditionsConfig, parse

    changes: dict[str, Any] = {
        "dead": None if dead is None else numbers(dead, "--dead"),
        "noisy": None if noisy is None else numbers(noisy, "--noisy"),
        "noise_rate": noise_rate,
        "noise_counts": noise_counts,
        "partial": partial,
        "dead_count": dead_count,
        "per_module": per_module or None,
        "drift": drift,
        "pileup": pileup,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    conditions: ConditionsConfig = parse({"conditions": given}, "options").conditions
    if resume and out is None:
        raise ConfigError("--resume needs --out, the retraining to continue")
    path = out or fresh_path(run_path.parent, f"{run_path.name}-retrained")
    with continued_by(f"the same command with --out {shlex.quote(str(path))} --resume", path):
        plan = Plan(conditions, epochs, learning_rate, only, data)
        if is_campaign(run_path):
            _retrain_campaign(run_path, path, plan, classes, resume=resume, as_json=as_json)
            return
        if classes is not None:
            raise ConfigError(f"--classes is for campaigns, and {run_path} is none; leave it out")
        summary = run(run_path, path, plan, Terminal(quiet=as_json), resume=resume)
    if as_json:
        print_json(summary)
        return
    rows = [
        {"weights and data": s["name"], "mean EMD": f"{s['mean']['value']:.3f} ± {s['mean']['error']:.3f}"}
        for s in summary["steps"]
    ]
    print_table("Mean EMD of the report events, in units of half a trigger-cell pitch", rows)
    mean = summary["difference"]["mean"]
    typer.echo(
        f"new minus old weights: {mean['value']:+.4f} ± {mean['error']:.4f} ({summary['significance']:+.1f} sigma)"
    )
    times = ", ".join(f"{ms:.2f} ms at {khz} kHz" for khz, ms in summary["bus"][0]["milliseconds"].items())
    typer.echo(f"{summary['changed']} of {summary['size']} weight bytes change; to write them takes {times}")
    typer.echo(f"summary: {path / 'index.html'}")


def drift(
    run_path: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory, or that of a campaign.")],
    classes: Annotated[
        str | None, typer.Option(help="Classes of a campaign, with commas; default: all that have an encoder.")
    ] = None,
    dead: Annotated[str, typer.Option(help="Numbers of dead cells per module, with commas.")] = "1,2,4,8",
    gain: Annotated[str, typer.Option(help="Spreads of the cells' gains around 1, with commas.")] = "0.05,0.1,0.2",
    pileup: Annotated[str, typer.Option(help="Factors of the mean charge, with commas.")] = "1.25,1.5,2",
    rows: Annotated[int, typer.Option(min=100, help="Most images of every set, evenly taken.")] = 20_000,
    sigma: Annotated[float, typer.Option(min=0.0, help="Errors that a gain must have to count.")] = 2.0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: a fifth of the run's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: a quarter of the run's.")] = None,
    only: Annotated[str, typer.Option(help="all, encoder, dense (and decoder) or decoder.")] = "all",
    seed: Annotated[int, typer.Option(min=0, help="Of the cells and gains that are drawn.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Directory to write; default: a new one beside RUN.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the study in --out.")] = False,
    as_json: Json = False,
) -> None:
    """Say when to retrain: EMD over dead cells, gain drift and pileup, old weights against retrained ones."""
    from econ_ae.app.cli.console import Terminal, print_json, print_table
    from econ_ae.app.run.directory import fresh_path
    from econ_ae.app.studies.drift import Study
    from econ_ae.app.studies.drift import drift as run

    study = Study(
        dead=tuple(numbers(dead, "--dead")) if dead.strip() else (),
        gain=tuple(decimals(gain, "--gain")),
        pileup=tuple(decimals(pileup, "--pileup")),
        rows=rows,
        sigma=sigma,
        epochs=epochs,
        learning_rate=learning_rate,
        trains=only,
        seed=seed,
    )
    if resume and out is None:
        raise ConfigError("--resume needs --out, the study to continue")
    progress = Terminal(quiet=as_json)
    runs = _runs(run_path, classes, progress)
    path = out or fresh_path(run_path.parent, f"{run_path.name}-drift")
    with continued_by(f"the same command with --out {shlex.quote(str(path))} --resume", path):
        summary = run(runs, path, study, progress, resume=resume)
    if as_json:
        print_json(summary)
        return
    points = [
        {
            "class": point["class"],
            "condition": point["axis"],
            "value": f"{point['value']:g}",
            "old weights": f"{point['old']['value']:.4f}",
            "retrained": f"{point['new']['value']:.4f}",
            "gain": _difference_text(point["gain"]),
            "bytes": f"{point['changed']} of {point['size']}",
        }
        for point in summary["points"]
    ]
    print_table("Mean EMD of the report images, in units of half a trigger-cell pitch", points)
    for answer in summary["answers"]:
        typer.echo(answer["text"])
    typer.echo(f"study: {path / 'index.html'}")


def _runs(path: Path, classes: str | None, progress: Any) -> dict[str, Any]:
    """Return the finished run at a path by its name, or those of a campaign's classes."""
    from econ_ae.app.run.context import open_run
    from econ_ae.app.run.family import is_campaign

    if not is_campaign(path):
        if classes is not None:
            raise ConfigError(f"--classes is for campaigns, and {path} is none; leave it out")
        run = open_run(path, progress)
        run.run.check("data", "train", "freeze")
        return {path.name: run}
    from econ_ae.app.campaign import members

    campaign, found = members.opened(path, progress)
    names = members.picked(campaign.config, None if classes is None else [n.strip() for n in classes.split(",")])
    return {name: members.chosen(campaign.config, name, found) for name in names}
