"""The Python configuration of the package: a processor cloned from the release's, and a function that puts it in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from econ_ae.app.export.cmssw.plan import Plan
from econ_ae.app.export.cmssw.target import INPUT_BITS, OUTPUT_BITS, ZERO_SUPPRESSION

DATA = "L1Trigger/L1THGCal/data"
"""Where CMSSW looks for the graphs: the package cms-data/L1Trigger-L1THGCal."""
_IN_FORK_ALONE = """\
    bitsPerADC = cms.uint32(22),
    bitsPerNorm = cms.uint32(12),
    bitsPerCALQ = cms.uint32(23),
    useTransverseADC = cms.bool(True),
    useModuleFactor = cms.bool(False),
    normByMax = cms.bool(False),
    skipAE = cms.bool(False),
    verbose = cms.int32(0),
"""


def encoder_file(graph: int) -> str:
    """Return the name of the file of an encoder."""
    return f"encoder_{graph}.pb"


def decoder_file(graph: int) -> str:
    """Return the name of the file of a decoder."""
    return f"decoder_{graph}.pb"


def fragment_file(plan: Plan) -> str:
    """Return the name of the configuration's file."""
    return f"{plan.name}_autoencoder_cff.py"


def remaps(plan: Plan) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return cellRemap and cellRemapNoDuplicates: the cell of every pixel, -1 where it is empty or seen before."""
    cells = plan.image.cells
    return cells, tuple(cell if cell not in cells[:i] else -1 for i, cell in enumerate(cells))


def fragment(plan: Plan) -> str:
    """Return the text of the configuration."""
    remap, once = remaps(plan)
    folder = f"{DATA}/{plan.name}"
    files = "".join(
        f"        cms.PSet(\n            encoderModelFile = cms.FileInPath('{folder}/{encoder_file(graph)}'),\n"
        f"            decoderModelFile = cms.FileInPath('{folder}/{decoder_file(graph)}'),\n        ),\n"
        for graph in range(len(plan.pairs))
    )
    own = _IN_FORK_ALONE if plan.target.columns else ""
    return f"""\
# Written by econ-ae for {plan.target.what}.
import FWCore.ParameterSet.Config as cms
from L1Trigger.L1THGCal.l1tHGCalConcentratorProducer_cfi import autoEncoder_conc_proc

{plan.name}_conc_proc = autoEncoder_conc_proc.clone(
    cellRemap = cms.vint32(
{_rows(remap, plan.image.cols * plan.image.channels)}
    ),
    cellRemapNoDuplicates = cms.vint32(
{_rows(once, plan.image.cols * plan.image.channels)}
    ),
    encoderShape = cms.vuint32({_joined((1, *plan.image.shape))}),
    decoderShape = cms.vuint32(1, {plan.decoder_width}),
    nBitsPerInput = cms.{plan.target.input_bits_type}({INPUT_BITS}),
    maxBitsPerOutput = cms.int32({OUTPUT_BITS}),
    bitsPerLink = cms.vint32({_joined(plan.bits_per_link)}),
    modelFiles = cms.VPSet(
{files}    ),
    linkToGraphMap = cms.vuint32({_joined(plan.link_to_graph)}),
    zeroSuppresionThreshold = cms.double({ZERO_SUPPRESSION}),
    bitShiftNormalization = cms.bool(True),
    saveEncodedValues = cms.bool(False),
    preserveModuleSum = cms.bool(True),
{own})


def custom_{plan.name}(process):
    process.l1tHGCalConcentratorProducer.ProcessorParameters = {plan.name}_conc_proc
    return process
"""


def _joined(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _rows(numbers: Sequence[int], width: int) -> str:
    rows = [numbers[i : i + width] for i in range(0, len(numbers), width)]
    return "\n".join(f"        {_joined(row)}," for row in rows).removesuffix(",")
