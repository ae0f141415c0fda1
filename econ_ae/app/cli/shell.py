"""What every command has: ``-h``, ``-v`` and ``-q``, its whole help text, help where nothing was asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from econ_ae.app.cli.verbosity import Verbosity, set_verbosity
from econ_ae.extras import require

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _level(level: Verbosity) -> Callable[[bool], None]:
    def wanted(given: bool) -> None:
        if given:
            set_verbosity(level)

    return wanted


def _verbosity(
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Also show programs started and files written.",
            callback=_level(Verbosity.VERBOSE),
            expose_value=False,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Show results and errors only.",
            callback=_level(Verbosity.QUIET),
            expose_value=False,
        ),
    ] = False,
) -> None:
    """Hold the options that every command has."""


def _shared_options() -> list[Any]:
    app = typer.Typer(add_completion=False)
    app.command()(_verbosity)
    return typer.main.get_command(app).params


def _summary(command: Any) -> str:
    """Return the first paragraph of a help text, whole: the list of commands wraps instead of cutting."""
    text: str = inspect.cleandoc(command.short_help or command.help or "")
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


class Command(TyperCommand):
    """A command with ``-v`` and ``-q``.

    Attributes
    ----------
    extra : packages without which it does nothing
    """

    extra: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _shared_options()

    def invoke(self, ctx: Any) -> Any:
        """Do the command; PackageMissingError before any work when its extra is not installed."""
        if self.extra is not None:
            require(self.extra, ctx.command_path)
        return super().invoke(ctx)

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002
        """Return what the list of commands says."""
        return _summary(self)


class Group(TyperGroup):
    """A group of commands: alone it prints its help."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _shared_options()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Print help and end without an error when there is nothing to do."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002
        """Return what the list of commands says."""
        return _summary(self)


class Shell(typer.Typer):
    """A set of commands. Help is plain text: markup would eat what stands in brackets, and a narrow table the names."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("cls", Group)
        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
        super().__init__(rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=settings, **kwargs)

    def command(
        self, name: str | None = None, *, extra: str | None = None, **kwargs: Any
    ) -> Callable[[_Function], _Function]:
        """Register a function as a command, which needs an extra or none."""
        kwargs.setdefault("cls", Command if extra is None else type("Command", (Command,), {"extra": extra}))
        return super().command(name, **kwargs)
