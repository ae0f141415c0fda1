"""What conditions buy: a second decoder for a run's frozen encoder, which is not told where its module is."""

from __future__ import annotations

from econ_ae.app.reconstruction import Receiver
from econ_ae.app.run.context import TRAINING, Context
from econ_ae.app.run.directory import Stopwatch
from econ_ae.app.stages import train
from econ_ae.config import RunConfig, changed
from econ_ae.errors import RunDirectoryError

FOLDER = "unconditional"


def config_of(config: RunConfig) -> RunConfig:
    """Return the settings of the second decoder: no conditions, the encoder as it is."""
    plain = changed(config, "decoder without conditions", decoder={"conditions": []})
    if config.encoder.family == "cells":
        return plain
    return changed(plain, "decoder without conditions", training={"trains": "decoder", "seeds": 1})


def run(context: Context) -> None:
    """Train the second decoder in ``unconditional/``, continuing what is there, unless that is done already.

    Nothing is done for a decoder without conditions.
    """
    from econ_ae.training.cells.warm import RULE
    from econ_ae.training.kept import weights_path
    from econ_ae.training.start import start_with

    folder = context.path(FOLDER)
    if not context.config.decoder.conditions or context.run.study_problem(folder) is None:
        return
    watch, trained = Stopwatch(), context.path(TRAINING)
    context.run.check("freeze")
    cells = context.config.encoder.family == "cells"
    start_with(trained, folder, [RULE if cells else weights_path(trained, "encoder").name])
    train.train(context, config_of(context.config), folder)
    context.run.record_study(folder, train.files(folder), watch.seconds())


def receiver(context: Context) -> Receiver | None:
    """Return the second decoder; None where the run's own has no conditions.

    Raises
    ------
    RunDirectoryError
        When its files are missing or were changed.
    """
    if not context.config.decoder.conditions:
        return None
    folder = context.path(FOLDER)
    if (problem := context.run.study_problem(folder)) is not None:
        raise RunDirectoryError(f"{folder}: {problem}; continue the campaign with --resume")
    return Receiver(config_of(context.config), folder)
