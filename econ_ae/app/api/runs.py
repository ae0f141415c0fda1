"""A finished run as an object: its settings, its events, its encoder from charges to frames, its decoder back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from econ_ae.app.api.arrays import array_of, charges_of, crossings_of, numbers_of
from econ_ae.app.api.comparison import Comparison, compared
from econ_ae.app.reconstruction import Receiver, check_class, known_besides
from econ_ae.app.run.context import FACTS, Context, open_run
from econ_ae.app.run.family import is_family, run_paths
from econ_ae.app.stages.data import read_batch
from econ_ae.config import RunConfig, parse
from econ_ae.data.batch import Batch, Provenance
from econ_ae.data.module_conditions import Conditions
from econ_ae.econt.autoencoder import pack_latents, sum_code
from econ_ae.econt.cell_frame import frames as cell_frames
from econ_ae.econt.cell_frame import unpack_pulses
from econ_ae.econt.decode import decode_latents
from econ_ae.econt.words import ORBIT
from econ_ae.emulator import encode, encode_pulses
from econ_ae.errors import ConfigError, DataError
from econ_ae.extras import naming_extras
from econ_ae.geometry import LOW_DENSITY
from econ_ae.ir.model import EncoderModel
from econ_ae.progress import Silent

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_WORDS = 13


@naming_extras()
def load(path: str | Path) -> Run:
    """Return a finished run.

    Raises
    ------
    RunDirectoryError
        When there is none, its files are not what its stages wrote, or it has no frozen encoder.
    ConfigError
        When the directory holds several runs; names them.
    """
    path = Path(path)
    if is_family(path):
        inner = ", ".join(str(one) for one in run_paths(path))
        raise ConfigError(f"{path} holds several runs; load one of them: {inner}")
    context = open_run(path, Silent())
    return Run(context, context.model())


@naming_extras()
def read(source: str | Path, **data: Any) -> Batch:
    """Return the images of a file.

    Parameters
    ----------
    source : CSV, ROOT, HDF5 or npz, as ``econ-ae run --data`` takes it
    data : keys of the ``[data]`` table of a configuration, for example ``limit=1000`` or
        ``cms_events={"section": "CE-E", "calibration": "counts"}``

    Raises
    ------
    DataError
        When the file cannot be read, or a value is no charge; names file and row.
    ConfigError
        When a key is unknown.
    """
    return read_batch(parse({"data": {"source": str(source)} | data}, "read()"), LOW_DENSITY)


@naming_extras()
def emd(images: Batch | ArrayLike, received: Batch | ArrayLike) -> FloatArray:
    """Return the exact Earth Mover's Distance of every pair of images, float64 (n,), units of half a TC pitch.

    NaN where one of them has no charge.

    Parameters
    ----------
    images, received : charges (n, cells), any scale, numbers of any type

    Raises
    ------
    DataError
        When a charge is negative or no number, or there are not as many of one as of the other.
    """
    from metrics.emd import emd as exact

    return exact(numbers_of(images), numbers_of(received), LOW_DENSITY).values


@dataclass(frozen=True, eq=False)
class Encoder:
    """The frozen integer encoder, which emulator, C++, Verilog and netlist share.

    Parameters
    ----------
    model : its operations, formats and weights
    """

    model: EncoderModel

    @property
    def elinks(self) -> int:
        """Output links of 32 bits."""
        return self.model.elinks

    def latents(self, images: Batch | ArrayLike) -> IntArray:
        """Return what the encoder computes, int64: latents (n, latents), or the pulses of cells (n, cells)."""
        charges = charges_of(images)
        return encode_pulses(self.model, charges).pulses if self.model.sends_cells else encode(self.model, charges)

    def frames(self, images: Batch | ArrayLike, crossing: ArrayLike | None = None) -> NDArray[np.uint32]:
        """Return the link words, uint32 (n, 13), one event per crossing; words beyond the eLinks are 0.

        Parameters
        ----------
        images : charges (n, cells), CALQ counts
        crossing : bunch crossings 0..3563 (n,); None counts from 0
        """
        charges = charges_of(images)
        when = np.arange(len(charges)) % ORBIT if crossing is None else crossings_of(crossing, len(charges))
        if self.model.sends_cells:
            return cell_frames(self.model, encode_pulses(self.model, charges), charges, when)
        pack = self.model.pack
        return pack_latents(
            encode(self.model, charges),
            sum_code(charges),
            when,
            pack.keep,
            elinks=pack.elinks,
            width=self.model.latent.width,
        )

    def _repr_html_(self) -> str:
        operations = ", ".join(type(op).__name__ for op in self.model.ops)
        return _table({"encoder": self.model.name, "eLinks": self.elinks, "operations": operations})


@dataclass(frozen=True, eq=False)
class Decoder:
    """The receiver's side of a run.

    Parameters
    ----------
    context : of the run
    model : the encoder whose frames it reads
    """

    context: Context
    model: EncoderModel

    @property
    def conditions(self) -> tuple[str, ...]:
        """What it knows of a module besides the bits: names of metadata."""
        return tuple(self.context.config.decoder.conditions)

    @naming_extras()
    def charges(self, frames: ArrayLike, known: Batch | Mapping[str, ArrayLike] | None = None) -> FloatArray:
        """Return the images that the frames carry, float64 (n, cells), CALQ counts, from their bits alone.

        Parameters
        ----------
        frames : integers (n, 13)
        known : metadata of the modules, which decoders with conditions need; of images only their metadata are used

        Raises
        ------
        DataError
            When frames have another shape or hold what no event gives, or the conditions are missing.
        """
        words = array_of(frames, "frames")
        if words.ndim != 2 or words.shape[1] != _WORDS or words.dtype.kind not in "iu":
            raise DataError(f"frames are {words.dtype} of shape {words.shape}; expected integers of (n, {_WORDS})")
        if words.size and (words.min() < 0 or words.max() >= 1 << 32):
            raise DataError(
                f"frames hold {words.min()} to {words.max()}; expected words of 32 bits, 0..{(1 << 32) - 1}"
            )
        words = words.astype(np.uint32)
        if self.model.sends_cells:
            from econ_ae.training.cells import artifact as cells

            pulses = unpack_pulses(self.model, words)
            receiver = Receiver.of(self.context)
            decoder = cells.load(receiver.config, self.context.geometry, receiver.folder)
            told = self._known(pulses.total, known)
            return decoder.fractions(self.model, pulses, told) * pulses.total[:, None]
        from econ_ae.training import artifact

        pack = self.model.pack
        latents = decode_latents(words, pack.keep, elinks=pack.elinks, latent=self.model.latent)
        receiver = Receiver.of(self.context)
        networks = artifact.load(receiver.config, self.context.geometry, receiver.folder)
        told = self._known(latents.total, known)
        return artifact.decode(receiver.config, networks, self.model, latents, told) * latents.total[:, None]

    def _known(self, total: FloatArray, known: Batch | Mapping[str, ArrayLike] | None) -> NDArray[np.float32]:
        metadata = known.metadata if isinstance(known, Batch) else known or {}
        if isinstance(known, Batch):
            check_class(self.context.config, known, str(self.context.run.path))
        conditions = Conditions(self.conditions)
        # One cell with the received sum: what is asked of charges is their sum's code, which is that of the frame.
        charges = np.zeros((len(total), self.model.input.cells), np.uint32)
        charges[:, 0] = np.floor(total)
        columns = {name: np.asarray(metadata[name]) for name in conditions.columns if name in metadata}
        return conditions.features(Batch(charges, Provenance("what is known of the modules", synthetic=False), columns))

    def _repr_html_(self) -> str:
        return _table({"decoder of": self.model.name, "conditions": ", ".join(self.conditions) or "none"})


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run; ``load`` makes it.

    Parameters
    ----------
    context : of the run
    model : its frozen encoder
    """

    context: Context
    model: EncoderModel

    @property
    def path(self) -> Path:
        """Its directory."""
        return self.context.run.path

    @property
    def config(self) -> RunConfig:
        """Its settings."""
        return self.context.config

    @property
    def dataset(self) -> dict[str, Any]:
        """What it trained on: source, hash, steps, numbers of events."""
        return dict(self.context.json(FACTS))

    @cached_property
    def encoder(self) -> Encoder:
        """From charges to frames."""
        return Encoder(self.model)

    @cached_property
    def decoder(self) -> Decoder:
        """From frames to charges."""
        return Decoder(self.context, self.model)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What ``compare`` knows: ``ae`` is this run's encoder, the others are the chip's and codes without network."""
        from metrics.transmitted import ALGORITHMS

        return ("ae", *ALGORITHMS)

    def report_events(self) -> Batch:
        """Return the events that nothing was trained or chosen with."""
        return self.context.rows("report")

    def frames(self, images: Batch | ArrayLike) -> NDArray[np.uint32]:
        """Return the link words of images, uint32 (n, 13)."""
        return self.encoder.frames(images)

    @naming_extras()
    def emd(self, images: Batch | None = None) -> FloatArray:
        """Return the exact EMD of images, float64 (n,), through frames and decoder; None takes the report events."""
        images = self.report_events() if images is None else images
        return emd(images, self.decoder.charges(self.frames(images), images))

    @naming_extras()
    def compare(
        self,
        images: Batch | None = None,
        algorithms: Sequence[str] | None = None,
        elinks: Sequence[int] | None = None,
    ) -> Comparison:
        """Return mean EMDs of algorithms on the same images, from the transmitted bits.

        Parameters
        ----------
        images : None takes the report events
        algorithms : some of ``algorithms``; None takes all
        elinks : of the algorithms besides the encoder; None takes the run's settings and its own
        """
        images = self.report_events() if images is None else images
        names = self.algorithms if algorithms is None else tuple(algorithms)
        counts = sorted({*self.config.report.elinks, self.model.elinks}) if elinks is None else list(elinks)
        return compared(self.context, self.model, images, names, counts, notes=known_besides(self.config))

    def _repr_html_(self) -> str:
        facts = self.dataset
        return _table(
            {
                "run": str(self.path),
                "encoder": self.model.name,
                "eLinks": self.model.elinks,
                "data": f"{facts['source']}{' (synthetic)' if facts['synthetic'] else ''}",
                "report events": facts["report_events"],
            }
        )


def _table(rows: Mapping[str, object]) -> str:
    cells = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in rows.items())
    return f"<table>{cells}</table>"
