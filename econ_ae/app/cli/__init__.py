"""The command line `econ-ae`: one file per group of commands, each command one call elsewhere."""

from econ_ae.app.cli.main import main

__all__ = ["main"]
