"""Training: from the rows of a run to weights."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

from econ_ae.app.judge import judge_of
from econ_ae.app.run.context import TRAINING, Context
from econ_ae.config import RunConfig
from econ_ae.data import store
from econ_ae.progress import waiting


def run(context: Context) -> list[Path]:
    """Train into ``training/``, continuing what is there."""
    folder = context.path(TRAINING)
    train(context, context.config, folder)
    return files(folder)


def files(folder: Path) -> list[Path]:
    """Return the files that a training left: weights and history; checkpoints are for going on alone."""
    return [p for p in folder.iterdir() if p.is_file() and not p.name.startswith("writing-")]


def train(context: Context, config: RunConfig, folder: Path) -> None:
    """Train what ``config`` says on the rows of the run into ``folder``, continuing what is there."""
    with waiting(context.progress, "loading TensorFlow") if "tensorflow" not in sys.modules else nullcontext():
        from econ_ae.training import artifact

    batches = context.rows("train"), context.rows("validation")
    stream = store.streamed(context.run.path)
    with waiting(context.progress, "clusters of the validation events", at_once=False):
        judge = judge_of(config, context.geometry, batches[1])
    artifact.train(config, context.geometry, batches, folder, context.progress, stream=stream, judge=judge)
