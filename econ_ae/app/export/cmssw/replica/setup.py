"""What the class's constructor does: reads parameters of given types, loads graphs, checks what it checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from econ_ae.app.export.cmssw.configuration import Parameters
from econ_ae.errors import DataError, did_you_mean

CELLS = 48
NODES = 16
_MOST_LINKS = 13

# Parameters that one form of the class or the processor around it reads.
_READ = (
    *("ProcessorName", "Method", "cellRemap", "cellRemapNoDuplicates", "encoderShape", "decoderShape", "nBitsPerInput"),
    *("maxBitsPerOutput", "bitsPerLink", "modelFiles", "linkToGraphMap", "zeroSuppresionThreshold"),
    *("bitShiftNormalization", "saveEncodedValues", "preserveModuleSum", "bitsPerADC", "bitsPerNorm", "bitsPerCALQ"),
    *("useTransverseADC", "useModuleFactor", "normByMax", "skipAE", "verbose"),
)

Doubles = NDArray[np.float64]
Graph = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Setup:
    """The members of the class that both of its forms have.

    Parameters
    ----------
    encoders, decoders : graphs by their number
    """

    encoder_shape: tuple[int, ...]
    decoder_shape: tuple[int, ...]
    bits_per_input: int
    most_output_bits: int
    output_bits: tuple[int, ...]
    graphs: tuple[int, ...]
    threshold: float
    bit_shift: bool
    preserve_sum: bool
    encoders: tuple[Graph, ...]
    decoders: tuple[Graph, ...]

    @property
    def inputs(self) -> int:
        """Pixels of the image."""
        return int(np.prod(self.encoder_shape))


@dataclass(frozen=True)
class Selected:
    """What the class makes of modules.

    Parameters
    ----------
    inputs : float32 (n, pixels) that the encoder got
    encoded : float64 (n, 16), ae_encodedLayer_
    charges : float64 (n, 48) of the cells that come out, by the class's numbers; 0 where none does
    """

    inputs: NDArray[np.float32]
    encoded: Doubles
    charges: Doubles


def setup(conf: Parameters, folder: Path, input_bits_type: str) -> Setup:
    """Return what the constructor makes of parameters.

    Parameters
    ----------
    folder : with the graphs; of the paths in the configuration the file names count

    Raises
    ------
    DataError
        When a parameter is missing or of another type, a file cannot be loaded, the class would throw, or there is a
        parameter that it does not read, which CMSSW takes without a word.
    """
    for name in conf:
        if name not in _READ:
            raise DataError(f"{name} is no parameter that the class reads{did_you_mean(name, _READ)}")
    shape, decoder_shape = conf.get("vuint32", "encoderShape"), conf.get("vuint32", "decoderShape")
    graphs = conf.get("vuint32", "linkToGraphMap")
    if len(shape) != 4 or len(decoder_shape) != 2:
        raise DataError(f"encoderShape has {len(shape)} values and decoderShape {len(decoder_shape)}; expected 4 and 2")
    files = conf.get("VPSet", "modelFiles")
    encoders, decoders = (_graphs(files, folder, f"{kind}ModelFile") for kind in ("encoder", "decoder"))
    if len(graphs) <= _MOST_LINKS:
        raise DataError(f"linkToGraphMap has {len(graphs)} values; the class needs more than {_MOST_LINKS}")
    if max(graphs) >= len(files):
        raise DataError(f"linkToGraphMap names graph {max(graphs)}; modelFiles has {len(files)}")
    return Setup(
        encoder_shape=shape,
        decoder_shape=decoder_shape,
        bits_per_input=conf.get(input_bits_type, "nBitsPerInput"),
        most_output_bits=conf.get("int32", "maxBitsPerOutput"),
        output_bits=conf.get("vint32", "bitsPerLink"),
        graphs=graphs,
        threshold=conf.get("double", "zeroSuppresionThreshold"),
        bit_shift=conf.get("bool", "bitShiftNormalization"),
        preserve_sum=conf.get("bool", "preserveModuleSum"),
        encoders=encoders,
        decoders=decoders,
    )


def _graphs(files: Any, folder: Path, name: str) -> tuple[Graph, ...]:
    from econ_ae.training.export_graph import FrozenGraph

    found = []
    for one in files:
        path = folder / PurePosixPath(one.get("FileInPath", name)).name
        if not path.is_file():
            raise DataError(f"{path} is missing; the configuration names it")
        found.append(FrozenGraph(path))
    names = {(graph.input, graph.output) for graph in found}
    if len(names) > 1:
        raise DataError(
            f"the graphs of {name} have different input or output nodes; the class takes those of the first"
        )
    return tuple(found)


def run_by_graph(values: NDArray[np.float32], graphs: NDArray[np.int64], of: tuple[Graph, ...]) -> NDArray[np.float32]:
    """Return the outputs, (n, values), of inputs that go through graphs of different numbers (n,)."""
    out: NDArray[np.float32] | None = None
    for number in np.unique(graphs):
        rows = np.flatnonzero(graphs == number)
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            found = of[number](values[part])
            flat = found.reshape(len(part), -1)
            if out is None:
                out = np.zeros((len(values), flat.shape[1]), np.float32)
            if flat.shape[1] != out.shape[1]:
                raise DataError(f"graph {number} gives {flat.shape[1]} values, another one {out.shape[1]}")
            out[part] = flat
    assert out is not None
    return out


_ROWS = 512


def encoder_outputs(given: Setup, images: NDArray[np.float32], graphs: NDArray[np.int64]) -> Doubles:
    """Return what the encoders give, float64 (n, 16); DataError when it is not as many values as the class holds."""
    found = run_by_graph(images.reshape(-1, *given.encoder_shape[1:]), graphs, given.encoders)
    if found.shape[1] != NODES:
        raise DataError(
            f"an encoder gives {found.shape[1]} values; the class has room for {NODES} and reads all of them"
        )
    return found.astype(np.float64)


def decoder_outputs(given: Setup, received: NDArray[np.float32], graphs: NDArray[np.int64]) -> Doubles:
    """Return what the decoders give, float64 (n, pixels); DataError when it is not one value per pixel."""
    found = run_by_graph(received, graphs, given.decoders)
    if found.shape[1] != given.inputs:
        raise DataError(f"a decoder gives {found.shape[1]} values; the class reads {given.inputs}, one per pixel")
    return found.astype(np.float64)


def round_away(values: Doubles) -> Doubles:
    """Return std::round of values: halves go away from 0."""
    rounded: Doubles = np.copysign(np.floor(np.abs(values) + 0.5), values)
    return rounded
