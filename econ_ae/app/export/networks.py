"""The networks of a run as programs, and what graphs made of them must compute on its report events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.export.decoders import OWN, is_second, receiver_of
from econ_ae.app.export.frames import told
from econ_ae.app.reconstruction import Receiver, reconstruct
from econ_ae.app.run.context import Context
from econ_ae.app.run.family import is_campaign, run_paths
from econ_ae.data.batch import Batch
from econ_ae.errors import VerificationError
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Progress
from econ_ae.tensor.encoder import encoder_program
from econ_ae.tensor.program import Program

BOUND = 4e-6
"""Largest difference of a charge, as a share of its module's sum, between a float32 graph and our decoder."""
_CHUNK = 4096  # events

Arrays = Mapping[str, NDArray[Any]]


class Runs(Protocol):
    """A graph that is ready to run."""

    def run(self, given: Arrays) -> dict[str, NDArray[Any]]:
        """Return outputs by name, each (n, ...), of inputs by name."""


@dataclass(frozen=True)
class Networks:
    """What can be exported of a run.

    Parameters
    ----------
    model : the integer encoder
    encoder : its float program, None where it sends cells
    decoder : the receiver's program
    receiver : the decoder that it was made of
    second : whether that is the one without conditions that a campaign trained besides the run's own
    """

    model: EncoderModel
    encoder: Program | None
    decoder: Program
    receiver: Receiver
    second: bool


@dataclass(frozen=True)
class Compared:
    """What a comparison on report events found.

    Parameters
    ----------
    name : of the encoder
    events : report events, all of them
    latents_differ : latents that are not the integer model's, None without an encoder graph
    charges : largest difference of a charge from our decoder's, as a share of the module sum
    fractions_differ : events whose fractions are not, to the last bit, the charges' shares of the module sum
    """

    name: str
    events: int
    latents_differ: int | None
    charges: float
    fractions_differ: int

    def check(self) -> None:
        """Raise VerificationError when a latent or fraction differs, or a charge by more than ``BOUND``."""
        if not self.events:
            raise VerificationError(f"{self.name}: there are no report events, so nothing was compared")
        if self.latents_differ:
            raise VerificationError(f"{self.name}: {self.latents_differ} latents differ from the integer model")
        if not self.charges <= BOUND:
            raise VerificationError(
                f"{self.name}: charges differ by {self.charges:.1e} of the module sum from our decoder; "
                f"expected at most {BOUND:.0e}"
            )
        if self.fractions_differ:
            raise VerificationError(
                f"{self.name}: the fractions of {self.fractions_differ} of {self.events} events are not their charges' "
                "shares of the module sum; expected these to the last bit"
            )

    def row(self) -> dict[str, Any]:
        """Return the facts as a table row."""
        latents = "no graph" if self.latents_differ is None else self.latents_differ
        return {
            "encoder": self.name,
            "events": self.events,
            "latents that differ": latents,
            "largest difference of a charge / module sum": f"{self.charges:.1e}",
            "fractions that differ": self.fractions_differ,
        }


def encoders(path: Path, progress: Progress) -> dict[str, Context]:
    """Return the runs of a run directory, family or campaign by name.

    Raises
    ------
    RunDirectoryError
        When one is missing, unfinished or damaged.
    """
    from econ_ae.app.campaign.members import opened
    from econ_ae.app.run.context import open_run

    if is_campaign(path):
        return opened(path, progress)[1]
    found = {place.name: open_run(place, progress) for place in run_paths(path)}
    for context in found.values():
        context.run.check("train", "freeze")
    return found


def networks_of(context: Context, decoder: str = OWN) -> Networks:
    """Return the programs of a run, with one of ``decoders.DECODERS``.

    Raises
    ------
    ModelError
        When a layer has none.
    ConfigError, RunDirectoryError
        As ``decoders.receiver_of``.
    """
    from econ_ae.training import artifact
    from econ_ae.training.cells import artifact as cells
    from econ_ae.training.export import receiver

    model, chosen = context.model(), receiver_of(context, decoder)
    config, folder, second = chosen.config, chosen.folder, is_second(context, chosen)
    if model.sends_cells:
        program = receiver.cells_program(config, cells.load(config, context.geometry, folder), model)
        return Networks(model, None, program, chosen, second)
    program = receiver.latents_program(config, artifact.load(config, context.geometry, folder), model)
    return Networks(model, encoder_program(model), program, chosen, second)


def chunks(batch: Batch) -> Iterator[Batch]:
    """Return the rows in parts."""
    for start in range(0, len(batch), _CHUNK):
        yield batch[start : start + _CHUNK]


def received(
    context: Context, model: EncoderModel, batch: Batch, receiver: Receiver | None = None
) -> dict[str, NDArray[np.float32]]:
    """Return a decoder's inputs by name, float32 (n, ...), as they come out of a batch's frames.

    Parameters
    ----------
    receiver : None is the run's own decoder
    """
    from econ_ae.training import artifact
    from econ_ae.training.cells import artifact as cells
    from econ_ae.training.export.receiver import condition_names

    known = told(condition_names(receiver.config if receiver else context.config), batch)
    if model.sends_cells:
        pulses = cells.transmit(model, batch.charges)
        columns = {"mode": pulses.sent.mode[:, None], "exact": pulses.sent.exact[:, None], "pulses": pulses.sent.pulses}
        found: dict[str, Any] = columns | {"sum": pulses.total[:, None]}
    else:
        latents = artifact.transmit(model, batch.charges)
        found = {"latents": latents.latents * 2.0**-model.latent.fraction, "sum": latents.total[:, None]}
    return {name: np.asarray(values, np.float32) for name, values in found.items()} | known


def images_of(model: EncoderModel, batch: Batch) -> dict[str, NDArray[np.float32]]:
    """Return the encoder's input by name, float32 (n, rows, cols, channels)."""
    from econ_ae.emulator import input_images

    integers = input_images(model.input, model.normalise, batch.charges)
    return {"image": (integers * 2.0**-model.normalise.out.fraction).astype(np.float32)}


def compare(
    name: str,
    context: Context,
    networks: Networks,
    encoders: Mapping[str, Runs],
    decoder: Runs,
    *,
    given: Callable[[Batch], Arrays] | None = None,
) -> Compared:
    """Return how graphs differ from integer model and decoder on all report events.

    Parameters
    ----------
    encoders : graphs of the encoder by what they read, ``image`` or ``charges``; none for an encoder of cells
    decoder : graph of the decoder
    given : inputs of ``decoder`` of some events; None takes what their frames say
    """
    from econ_ae import emulator

    model, batch = networks.model, context.rows("report")
    expected = np.asarray(reconstruct(context, model, batch, networks.receiver).charges)
    differ, worst, fractions = (0 if encoders else None), 0.0, 0
    start = 0
    for part in chunks(batch):
        own = expected[start : start + len(part)]
        start += len(part)
        said = received(context, model, part, networks.receiver)
        found = decoder.run(said if given is None else given(part))
        share = np.abs(found["charges"].astype(np.float64) - own) / np.maximum(said["sum"].astype(np.float64), 1.0)
        worst = float(np.max([worst, share.max()]))  # a value that is no number stays one
        fractions += fractions_differ(found, said)
        if differ is None:
            continue
        latents = emulator.encode(model, part.charges)
        inputs: dict[str, NDArray[Any]] = {**images_of(model, part), "charges": part.charges.astype(np.int64)}
        for graph in encoders.values():
            values = graph.run(inputs)["latents"].astype(np.float64) * 2.0**model.latent.fraction
            differ += int((values != latents).sum())
    return Compared(name, len(batch), differ, worst, fractions)


def fractions_differ(found: Arrays, said: Arrays) -> int:
    """Return the events whose fractions do not belong to their charges, in float32 and to the last bit.

    A charge is its fraction times the module sum; of an event without loss the fraction is the charge divided by it.

    Parameters
    ----------
    found : ``fractions`` and ``charges`` of a decoder
    said : what the frames say, see ``received``
    """
    fractions, charges, total = found["fractions"], found["charges"], said["sum"].astype(np.float32)
    exact = said.get("exact", np.zeros_like(total)) > 0
    with np.errstate(invalid="ignore", over="ignore"):
        right = np.where(exact, charges / np.maximum(total, 1) == fractions, fractions * total == charges)
    return int((~right.all(axis=1)).sum())
