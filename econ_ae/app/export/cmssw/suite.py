"""The suite `cmssw`: a run's package, as it was delivered or as it would be, through the replica of the class."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from econ_ae.app.export.cmssw.check import Compared, check_package
from econ_ae.app.export.cmssw.plan import plan_of, plan_of_pairs
from econ_ae.app.export.cmssw.target import TARGETS, target_of
from econ_ae.app.export.cmssw.write import FORMAT, VERIFICATION, write_files
from econ_ae.app.export.decoders import OWN
from econ_ae.app.export.package import check_files
from econ_ae.app.run.context import VERIFY, Context
from econ_ae.errors import ConfigError
from econ_ae.files import write_json
from econ_ae.ir import codec
from econ_ae.progress import Progress


def verify_run(context: Context, events: int | None) -> list[Compared]:
    """Write the package of a run for every form of the class that can carry it, read it again, and compare.

    Parameters
    ----------
    events : most report events; None takes all

    Raises
    ------
    ConfigError, ModelError
        When none can; says why.
    """
    found: list[Compared] = []
    refused: list[ConfigError] = []
    for target in TARGETS.values():
        try:
            plan = plan_of_pairs(context.config.name, target, {context.config.name: context}, context.run.path.name)
        except ConfigError as problem:
            context.progress.say(f"not for {target.name}: {problem}")
            refused.append(problem)
            continue
        folder = context.path(VERIFY, f"{FORMAT}-{target.name}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_files(plan, folder)
        compared = check_package(plan, folder, events)
        write_json(folder / VERIFICATION, [json.loads(one.to_json()) for one in compared])
        found += compared
    if not found:
        raise refused[-1]
    return found


def verify_package(path: Path, package: Path, events: int | None, progress: Progress) -> list[Compared]:
    """Compare the files of a package with the run, or the campaign, that it was made of.

    Raises
    ------
    ConfigError
        When it is no package of this kind, a file of it was changed, or it is of another run.
    """
    manifest = check_files(package)
    if manifest.get("format") != FORMAT:
        raise ConfigError(f"{package} is an export of format {manifest.get('format')!r}; expected {FORMAT!r}")
    plan = plan_of(path, target_of(str(manifest.get("target"))), progress, str(manifest.get("decoder", OWN)))
    made_of = [pair.get("model_sha256") for pair in manifest.get("pairs", [])]
    if made_of != [codec.sha256(pair.model) for pair in plan.pairs]:
        raise ConfigError(f"{package} was made of other encoders than those of {path}; export it again")
    return check_package(plan, package, events)
