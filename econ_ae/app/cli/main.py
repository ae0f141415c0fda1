"""The command line `econ-ae`: the commands in the order of the work, and how it ends."""

from __future__ import annotations

import errno
import os
import shlex
import sys
from typing import Annotated, Any

import typer
from typer.exceptions import Abort, TyperException

from econ_ae import __version__
from econ_ae.app.cli.campaign import campaign
from econ_ae.app.cli.chip import econt, registers
from econ_ae.app.cli.costs import costs, power
from econ_ae.app.cli.data import data
from econ_ae.app.cli.delivery import export, import_
from econ_ae.app.cli.doctor import doctor
from econ_ae.app.cli.explore import explore
from econ_ae.app.cli.options import INTERRUPTED, Interrupted
from econ_ae.app.cli.physics import physics
from econ_ae.app.cli.shell import Group, Shell
from econ_ae.app.cli.stages import freeze, generate, report, run, train, verify
from econ_ae.app.cli.studies import drift, evaluate, quantisation, retrain, widths
from econ_ae.app.cli.verbosity import LOG, Verbosity, set_verbosity
from econ_ae.errors import EconAeError
from econ_ae.extras import explained

COMMANDS: dict[str, Any] = {
    "run": run,
    "campaign": campaign,
    "data": data,
    "train": train,
    "freeze": freeze,
    "generate": generate,
    "verify": verify,
    "costs": costs,
    "power": power,
    "report": report,
    "evaluate": evaluate,
    "physics": physics,
    "retrain": retrain,
    "drift": drift,
    "quantisation": quantisation,
    "widths": widths,
    "explore": explore,
    "export": export,
    "import": import_,
    "registers": registers,
    "econt": econt,
    "doctor": doctor,
}
"""Every command and group of commands, in the order of the work."""

_EXTRAS = {
    "run": "train",
    "campaign": "train",
    "train": "train",
    "freeze": "train",
    "generate": "rtl",
    "verify": "rtl",
    "costs": "rtl",
    "power": "rtl",
    "report": "train",
    "physics": "physics",
    "retrain": "train",
    "drift": "train",
    "quantisation": "train",
    "widths": "train",
    "export": "train",
    "import": "train",
}
"""What a command cannot do without; found before any work."""
_USAGE_ERROR = 2
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class _InOrderOfWork(Group):
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)


app = Shell(cls=_InOrderOfWork)


def _show_version(given: bool) -> None:
    if given:
        typer.echo(f"econ-ae {__version__}")
        raise typer.Exit


@app.callback()
def econ_ae(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """From trigger-cell images to a quantized encoder, its verified Verilog and its Energy Mover's Distance."""


for _name, _command in COMMANDS.items():
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name, extra=_EXTRAS.get(_name))(_command)


def main() -> None:
    """Run the command line; errors of the user are one line and exit code 2."""
    set_verbosity(Verbosity.NORMAL)
    try:
        code = typer.main.get_command(app).main(prog_name="econ-ae", standalone_mode=False)
        if code == INTERRUPTED:  # typer makes this of a Ctrl-C
            code = _interrupted(_again())
        sys.stdout.flush()
    except EconAeError as problem:
        code = _fail(str(problem), problem.exit_code)
    except TyperException as problem:
        code = _fail(problem.format_message().rstrip(".") + _see_help(problem))
    except BrokenPipeError:  # who read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except ModuleNotFoundError as problem:
        missing = explained(problem)
        if missing is None:
            raise
        code = _fail(str(missing), missing.exit_code)
    except OSError as problem:
        code = _fail(of_system(problem))
    except MemoryError as problem:
        code = _fail(f"not enough memory ({problem or 'no more could be had'}); use fewer events or a larger machine")
    except Interrupted as stopped:
        code = _interrupted(str(stopped))
    except (KeyboardInterrupt, Abort):
        code = _interrupted(_again())
    sys.exit(code if isinstance(code, int) else 0)


def of_system(problem: OSError) -> str:
    """Return an error of the operating system as one line: which file, what is wrong with it, what to do."""
    names = [str(name) for name in (problem.filename, problem.filename2) if name is not None]
    text = ": ".join([*dict.fromkeys(names), problem.strerror or str(problem) or type(problem).__name__])
    if problem.errno in _FULL:
        return f"{text}; free some space, or write to another directory, and give the command again"
    if problem.errno in _FORBIDDEN:
        return f"{text}; expected a file or directory that this user may use"
    return text


def _fail(text: str, code: int = _USAGE_ERROR) -> int:
    LOG.debug("where it happened:", exc_info=True)
    _say(f"econ-ae: {' '.join(text.split())}")
    return code


def _interrupted(how: str) -> int:
    _say(f"\ninterrupted; continue with: {how}")
    return INTERRUPTED


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _see_help(problem: TyperException) -> str:
    context = getattr(problem, "ctx", None)
    return "" if context is None else f"; see: {context.command_path} --help"


def _again() -> str:
    return shlex.join(["econ-ae", *sys.argv[1:]])
