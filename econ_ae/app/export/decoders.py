"""Which decoder of an encoder is delivered: the run's own, or the one without conditions that campaigns train, too."""

from __future__ import annotations

from econ_ae.app.campaign import unconditional
from econ_ae.app.reconstruction import Receiver
from econ_ae.app.run.context import TRAINING, Context
from econ_ae.errors import ConfigError, did_you_mean

OWN, UNCONDITIONAL = "own", "unconditional"
DECODERS = (OWN, UNCONDITIONAL)


def check_decoder(name: str) -> None:
    """Raise ConfigError when ``name`` is none of ``DECODERS``."""
    if name not in DECODERS:
        expected = " or ".join(DECODERS)
        raise ConfigError(f"decoder {name!r} is unknown; expected {expected}{did_you_mean(name, DECODERS)}")


def receiver_of(context: Context, decoder: str) -> Receiver:
    """Return a decoder of a run; where its own has no conditions, that is both of them.

    Raises
    ------
    ConfigError
        When ``decoder`` is unknown, or there is no second one.
    RunDirectoryError
        When its weights are not what the training left.
    """
    check_decoder(decoder)
    own = Receiver.of(context)
    if decoder == OWN or not own.config.decoder.conditions:
        return own
    second = second_of(context)
    if second is None:
        raise ConfigError(
            f"{context.run.path}: its decoder knows {', '.join(own.config.decoder.conditions)}, and one without "
            "conditions was not trained; campaigns train both (campaign.unconditional = true), or take --decoder own"
        )
    return second


def second_of(context: Context) -> Receiver | None:
    """Return the decoder without conditions that a campaign trained besides a run's own; None where there is none."""
    has = context.run.has_study(context.path(unconditional.FOLDER))
    return unconditional.receiver(context) if has else None


def is_second(context: Context, receiver: Receiver) -> bool:
    """Tell whether a decoder is the second one."""
    return receiver.folder != context.path(TRAINING)


def delivered_name(name: str, context: Context, receiver: Receiver) -> str:
    """Return the name under which a decoder is delivered, so that both can be used beside each other."""
    return f"{name}_{UNCONDITIONAL}" if is_second(context, receiver) else name
