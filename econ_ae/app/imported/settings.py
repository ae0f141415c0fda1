"""What the person who imports says about a model besides its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast

from econ_ae.errors import ConfigError

CHIP, EXACT = "chip", "exact"
NEAREST: Final = "nearest"
FLOOR: Final = "floor"
_ORDERS = ("out-in", "in-out")


@dataclass(frozen=True)
class Choice:
    """How a file is to be read where it leaves that open.

    Parameters
    ----------
    name : of the model, an identifier
    arithmetic : ``chip`` floors every product, ``exact`` adds first
    elinks : links to send on; None takes as few as hold all bits
    keep : leading bits of every latent; None takes what the file says, or what fits
    weight, activation, latent : formats of layers that have no quantizer of their own; None asks for one
    weights : how float weights become integers; None is ``nearest``, and ``floor`` for files of weights alone
    dense_order : ``in-out`` gives the dense kernel the order in which the published register files were packed
    conditions : what the decoder knows, in the order of its inputs; None takes the collaboration's eight columns
    python : interpreter that has HGQ2
    """

    name: str = "imported"
    arithmetic: str = EXACT
    elinks: int | None = None
    keep: int | None = None
    weight: str | None = None
    activation: str | None = None
    latent: str | None = None
    weights: Literal["nearest", "floor"] | None = None
    dense_order: str = "out-in"
    conditions: tuple[str, ...] | None = None
    python: str | None = None


def choice_of(
    form: str,
    *,
    name: str,
    arithmetic: str | None,
    elinks: int | None,
    keep: int | None,
    formats: tuple[str | None, str | None, str | None],
    rounding: str | None,
    dense_order: str,
    conditions: str | None,
    python: str | None = None,
) -> Choice:
    """Return the choice that options of the command line make; ConfigError for a word that is unknown.

    Parameters
    ----------
    form : of the file: registers are computed in the chip's arithmetic unless another one is asked for
    formats : of weights, activations, latents
    """
    for option, value, known in (
        ("--arithmetic", arithmetic, (EXACT, CHIP)),
        ("--rounding", rounding, (NEAREST, FLOOR)),
        ("--dense-order", dense_order, _ORDERS),
    ):
        if value is not None and value not in known:
            raise ConfigError(f"{option} {value!r} is unknown; expected {' or '.join(known)}")
    weight, activation, latent = formats
    return Choice(
        name,
        arithmetic or (CHIP if form == "econt-yaml" else EXACT),
        elinks,
        keep,
        weight,
        activation,
        latent,
        cast("Literal['nearest', 'floor'] | None", rounding),
        dense_order,
        None if conditions is None else tuple(part.strip() for part in conditions.split(",") if part.strip()),
        python,
    )
