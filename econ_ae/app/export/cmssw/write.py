"""`econ-ae export --format cmssw`: writes the package, and checks the files before they take their place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from econ_ae.app.export.cmssw.check import Compared, check_package
from econ_ae.app.export.cmssw.fragment import decoder_file, encoder_file, fragment, fragment_file
from econ_ae.app.export.cmssw.graphs import write_graphs
from econ_ae.app.export.cmssw.plan import Plan, plan_of
from econ_ae.app.export.cmssw.readme import readme
from econ_ae.app.export.cmssw.target import target_of
from econ_ae.app.export.decoders import OWN
from econ_ae.app.export.package import Origin, check_out, write_manifest, written
from econ_ae.errors import VerificationError
from econ_ae.files import sha256, write_json, write_text
from econ_ae.progress import Progress

FORMAT = "cmssw"
VERIFICATION = "verification.json"
EVENTS = 2_000
"""Report events per pair that are compared before a package is handed out."""


def export(
    path: Path, target: str, out: Path, progress: Progress, *, overwrite: bool = False, decoder: str = OWN
) -> list[Compared]:
    """Write the package of a run or a campaign into ``out``; return what was compared.

    Raises
    ------
    ConfigError, ModelError, RunDirectoryError
        As ``plan_of``, and when ``out`` is there and may not be replaced.
    VerificationError
        When the files do not compute what the integer model and the decoder do; nothing is left of them then.
    """
    check_out(out, overwrite=overwrite)
    plan = plan_of(path, target_of(target), progress, decoder)
    with written(out, overwrite=overwrite) as folder:
        progress.say(f"graphs of {', '.join(pair.name for pair in plan.pairs)}")
        write_files(plan, folder)
        progress.say("the files against the integer model")
        found = check_package(plan, folder, EVENTS)
        failed = next((one for one in found if not one.passed), None)
        if failed is not None:
            raise VerificationError(f"{failed.modules}: the package would not compute what the run does: {failed.why}")
        finish(plan, folder, found)
    return found


def write_files(plan: Plan, folder: Path) -> None:
    """Write graphs and configuration into a folder."""
    write_graphs(plan, folder)
    write_text(folder / fragment_file(plan), fragment(plan))


def finish(plan: Plan, folder: Path, found: Sequence[Compared]) -> None:
    """Write what was compared, the README and the manifest beside the files."""
    write_json(folder / VERIFICATION, [json.loads(one.to_json()) for one in found])
    write_text(folder / "README.md", readme(plan, found))
    write_manifest(folder, FORMAT, facts(plan, folder))


def facts(plan: Plan, folder: Path) -> dict[str, Any]:
    """Return what the manifest says besides the hashes of the files."""
    return {
        "name": plan.name,
        "target": plan.target.name,
        "source": plan.source,
        "decoder": plan.decoder,
        "links": [
            {"elinks": links, "graph": graph, "bits": bits}
            for links, (graph, bits) in enumerate(zip(plan.link_to_graph, plan.bits_per_link, strict=True))
        ],
        "pairs": [
            {
                "graph": number,
                "modules": pair.name,
                "elinks": pair.elinks,
                "conditions": list(pair.receiver.config.decoder.conditions),
                "encoder_sha256": sha256(folder / encoder_file(number)),
                "decoder_sha256": sha256(folder / decoder_file(number)),
                **Origin(pair.context, pair.receiver.folder).facts(),
            }
            for number, pair in enumerate(plan.pairs)
        ],
    }


def rows(found: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return what was compared as rows of a table, one per pair."""
    return [
        {
            "modules": one.modules,
            "eLinks": one.elinks,
            "events": one.events,
            "latents wrong": f"{one.differing} of {one.latents}",
            "not the chip's": one.chip_differing,
            "charges differ": f"{one.largest:.1e}",
            "EMD": one.emd,
            "EMD of the frame": one.emd_own,
        }
        for one in found
    ]
