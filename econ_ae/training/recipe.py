"""What a configuration trains, one network after another: the teacher, the network before pruning, every seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from econ_ae.config import DistillConfig, RunConfig
from econ_ae.config.skeleton import skeleton
from econ_ae.data.batch import Batch
from econ_ae.data.module_conditions import Conditions
from econ_ae.files import write_json
from econ_ae.geometry import FloatArray, WaferGeometry
from econ_ae.progress import Progress, waiting
from econ_ae.training.chain import Chain
from econ_ae.training.cluster_loss import cluster_term
from econ_ae.training.fit import Trainer, make_deterministic
from econ_ae.training.frozen import chip_model, decode, trained_link, transmit
from econ_ae.training.judge import Judge
from econ_ae.training.kept import Epoch, copy_result, read_history
from econ_ae.training.losses import LOSSES, mean_emd
from econ_ae.training.magnitude_pruning import final_epoch
from econ_ae.training.networks import TRAINED, build, load
from econ_ae.training.sample import Sample, received_sums
from econ_ae.training.source import Source
from econ_ae.training.start import START, load_start
from econ_ae.training.structured_pruning import before_pruning, cut

SEEDS = "seeds.json"
TEACHER = "teacher"
UNPRUNED = "unpruned"


@dataclass(frozen=True)
class Events:
    """What the networks are trained and judged on.

    Parameters
    ----------
    source : the training events in the order of a seed
    validation : for the validation loss
    validation_rows : the same events as charges, for the EMD of the integer encoder
    judge : chooses epochs and seeds, instead of the validation loss and the EMD
    until : epochs after which every training stops for now; None trains to the end
    """

    source: Callable[[int], Source]
    validation: Sample
    validation_rows: Batch
    judge: Judge | None = None
    until: int | None = None


@dataclass(frozen=True)
class _Task:
    """What every training of a configuration shares."""

    geometry: WaferGeometry
    events: Events
    progress: Progress
    start: Path  # training directory with the weights to start from, if there are any

    def fit(self, chain: Chain, config: RunConfig, directory: Path) -> list[Epoch]:
        """Train a chain with the schedule and the seed of ``config``."""
        decay, judge = config.decoder.weight_decay, self.events.judge
        trainer = Trainer(chain, config.training, directory=directory, weight_decay=decay, judge=judge)
        events = self.events
        return trainer.fit(events.source(config.seed), events.validation, self.progress, until=events.until)


@dataclass(frozen=True)
class Trained:
    """One training of several: its seed and how good it is."""

    seed: int
    epochs: int
    validation_loss: float
    validation_emd: float
    figure: float | None = None  # of the judge
    chosen: bool = False

    @property
    def cost(self) -> tuple[float, int]:
        """What the chosen one has the smallest of."""
        return (self.validation_emd if self.figure is None else self.figure, self.seed)


def fit(config: RunConfig, geometry: WaferGeometry, events: Events, directory: Path, progress: Progress) -> list[Epoch]:
    """Train everything that ``config`` asks for into ``directory``, continuing what is there.

    The best weights and the history of the result are in ``directory`` itself; other trainings have directories in it.
    With ``training.seeds`` above 1 the result is the seed whose integer encoder has the smallest mean EMD, or the
    smallest figure of the judge, on the validation events, from the transmitted bits; ``seeds.json`` lists all.
    """
    task = _Task(geometry, events, progress, directory)
    distill = config.training.distill
    teacher = None if distill is None else _fit_teacher(config, distill, task, directory / TEACHER)
    if config.training.seeds == 1:
        return _fit_one(config, task, directory, teacher)
    found = []
    for seed in range(config.seed, config.seed + config.training.seeds):
        one = config.model_copy(update={"seed": seed})
        folder = directory / f"seed-{seed}"
        progress.say(f"seed {seed}")
        history = _fit_one(one, task, folder, teacher)
        found.append(
            Trained(
                seed,
                len(history),
                min(e.validation_loss for e in history[final_epoch(config.training.prune, config.training.epochs) :]),
                *_validated(one, geometry, folder, events),
            )
        )
    best = min(found, key=lambda trained: trained.cost)
    copy_result(directory / f"seed-{best.seed}", directory)
    write_json(directory / SEEDS, [_line(t) | {"chosen": t is best} for t in found])
    return read_history(directory)


def _line(one: Trained) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if value is not None}


def validation_emd(config: RunConfig, geometry: WaferGeometry, directory: Path, rows: Batch) -> float:
    """Return the mean EMD, EMD units, of rows with charge after the integer encoder, the frame and the decoder."""
    rows = rows[rows.total > 0]
    return mean_emd(rows.charges, _received(config, geometry, directory, rows), geometry)


def _validated(
    config: RunConfig, geometry: WaferGeometry, directory: Path, events: Events
) -> tuple[float, float | None]:
    """Return the mean EMD of the validation events as they are received, and the judge's figure if there is one."""
    rows = events.validation_rows[events.validation_rows.total > 0]
    received = _received(config, geometry, directory, rows)
    figure = None if events.judge is None else events.judge(received * received_sums(rows.charges)[:, None])
    return mean_emd(rows.charges, received, geometry), figure


def _received(config: RunConfig, geometry: WaferGeometry, directory: Path, rows: Batch) -> FloatArray:
    """Return the charge fractions of rows after the integer encoder, the frame and the decoder."""
    networks = load(config, geometry, directory)
    model = chip_model(config, geometry, networks)
    known = Conditions(config.decoder.conditions).features(rows)
    return decode(config, networks, model, transmit(model, rows.charges), known)


def _fit_one(config: RunConfig, task: _Task, directory: Path, teacher: Chain | None) -> list[Epoch]:
    prune = config.training.prune
    whole = None
    if prune is not None and prune.structured and not (task.start / START).is_dir():
        first = before_pruning(config, prune, skeleton(config, task.geometry).pack.elinks)
        make_deterministic(first.seed)
        whole = _chain(first, task.geometry, teacher)
        task.fit(whole, first, directory / UNPRUNED)
    make_deterministic(config.seed)
    with waiting(task.progress, "building the network"):
        chain = _chain(config, task.geometry, teacher)
    if whole is not None:
        cut(whole.encoder, whole.decoder, chain.encoder, chain.decoder)
    load_start(chain.encoder, chain.decoder, config.training, task.start, chain.conditions)
    return task.fit(chain, config, directory)


def _fit_teacher(config: RunConfig, distill: DistillConfig, task: _Task, directory: Path) -> Chain:
    """Train the float network with a wider encoder, whose latents are not quantized either."""
    encoder = config.encoder
    conv = tuple(c.model_copy(update={"filters": c.filters * distill.widen}) for c in encoder.conv)
    inner = tuple(d.model_copy(update={"units": d.units * distill.widen}) for d in encoder.dense[:-1])
    wide = encoder.model_copy(update={"conv": conv, "dense": (*inner, encoder.dense[-1])})
    training = config.training.model_copy(
        update={
            "quantise": "post",
            "trains": "all",
            "prune": None,
            "distill": None,
            "epochs": distill.epochs or config.training.epochs,
        }
    )
    teacher = config.model_copy(update={"encoder": wide, "training": training})
    make_deterministic(teacher.seed)
    chain = _chain(teacher, task.geometry, None)
    task.progress.say("teacher")
    task.fit(chain, teacher, directory)
    return chain


def _chain(config: RunConfig, geometry: WaferGeometry, teacher: Chain | None) -> Chain:
    networks = build(config, geometry, TRAINED[config.training.quantise])
    distill = config.training.distill
    return Chain(
        networks.encoder,
        networks.decoder,
        trained_link(config, geometry),
        config.decoder.sum_columns,
        LOSSES[config.training.loss](geometry),
        teacher,
        distill.share if distill is not None and teacher is not None else 0.0,
        Conditions(config.decoder.conditions),
        cluster_term(config, geometry),
    )
