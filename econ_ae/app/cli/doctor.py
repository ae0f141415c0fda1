"""The command `econ-ae doctor`: thin, as ``cli``."""

from __future__ import annotations

from typing import Annotated

import typer

from econ_ae.app.cli.options import Json


def doctor(
    need: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Extras and programs that have to work, with commas.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is installed, whether it works, and what is lost without the rest.

    The exit code is 0 when everything that is there works and nothing of --need is missing, otherwise 1.
    """
    from dataclasses import asdict

    from econ_ae.app.cli.console import print_json, print_table
    from econ_ae.app.doctor import examine, is_well

    found = examine()
    well = is_well(found, [name.strip() for name in need.split(",")] if need else [])
    if as_json:
        print_json({"well": well, "findings": [asdict(one) for one in found]})
    else:
        print_table(
            "econ-ae doctor",
            [
                {
                    "name": one.name,
                    "state": one.state,
                    "version": one.version,
                    "for": one.use,
                    "remedy": one.remedy,
                }
                for one in found
            ],
        )
    if not well:
        raise typer.Exit(1)
