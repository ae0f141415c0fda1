"""What of a run or a campaign goes into the package: a pair of graphs per encoder, which links use which, and why not.

Nothing is written here; what the class cannot carry is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from econ_ae.app.campaign import members
from econ_ae.app.export.cmssw.target import INPUT_BITS, LATENTS, LINKS, Target
from econ_ae.app.export.decoders import OWN, receiver_of, second_of
from econ_ae.app.reconstruction import Receiver
from econ_ae.app.run.context import Context
from econ_ae.app.run.family import is_campaign, is_family
from econ_ae.config import RunConfig
from econ_ae.errors import ConfigError, ModelError
from econ_ae.fixedpoint import FixedFormat
from econ_ae.geometry import Arrangement
from econ_ae.ir.model import EncoderModel
from econ_ae.ir.validate import frame_capacity, leading_mask
from econ_ae.progress import Progress

LIBRARY = "the emulator library carries it: econ-ae export --format emulator"


@dataclass(frozen=True)
class Pair:
    """An encoder and its decoder.

    Parameters
    ----------
    name : of the class of modules, or of the run
    context : the run
    model : its integer encoder
    receiver : its decoder
    kept : leading bits that are sent of every latent
    bits : entry of bitsPerLink with which the class's own truncation drops nothing more
    """

    name: str
    context: Context
    model: EncoderModel
    receiver: Receiver
    kept: tuple[int, ...]
    bits: int

    @property
    def elinks(self) -> int:
        """Links that it was made for."""
        return self.model.pack.elinks


@dataclass(frozen=True)
class Plan:
    """Everything that a package is made of.

    Parameters
    ----------
    name : of the package, a Python identifier
    target : form of the class
    pairs : graph 0, 1, ...
    link_to_graph : linkToGraphMap, by number of links
    bits_per_link : bitsPerLink, by number of links
    source : where it comes from, without the path
    notes : what a reader of the package must know of the link numbers
    decoder : one of ``decoders.DECODERS``, as it was asked for
    """

    name: str
    target: Target
    pairs: tuple[Pair, ...]
    link_to_graph: tuple[int, ...]
    bits_per_link: tuple[int, ...]
    source: str
    notes: tuple[str, ...]
    decoder: str

    @property
    def image(self) -> Arrangement:
        """The image that the class fills."""
        return self.target.image or self.pairs[0].model.input.arrangement

    @property
    def decoder_width(self) -> int:
        """Columns of the decoders' input."""
        told = any(knows(pair.receiver.config) for pair in self.pairs)
        return self.target.width if told else LATENTS


def knows(config: RunConfig) -> bool:
    """Tell whether a decoder needs more than the latents."""
    return bool(config.decoder.conditions or config.decoder.sum_columns)


def plan_of(path: Path, target: Target, progress: Progress, decoder: str = OWN) -> Plan:
    """Return the plan for a run or a campaign, with own decoders where they can be fed and are asked for.

    Raises
    ------
    ConfigError, ModelError
        When the class cannot carry an encoder or a decoder; says why.
    RunDirectoryError
        When a run has not been frozen, or its files are not what it wrote.
    """
    if is_family(path):
        raise ConfigError(f"{path} is a family of runs on the same modules; export one of them, or a campaign")
    if not is_campaign(path):
        from econ_ae.app.run.context import open_run

        context = open_run(path, progress)
        return plan_of_pairs(context.config.name, target, {context.config.name: context}, path.name, decoder=decoder)
    campaign, found = members.opened(path, progress)
    chosen = {
        klass: members.chosen(campaign.config, klass, found)
        for klass, one in campaign.config.classes.items()
        if one.members
    }
    chips = [f"{name} ({one.algorithm})" for name, one in campaign.config.classes.items() if not one.members]
    notes = (f"Classes without an encoder are not in this package: {', '.join(chips)}.",) if chips else ()
    return plan_of_pairs(campaign.config.name, target, chosen, path.name, notes, decoder=decoder)


def plan_of_pairs(
    name: str,
    target: Target,
    runs: Mapping[str, Context],
    source: str,
    notes: Sequence[str] = (),
    *,
    decoder: str = OWN,
) -> Plan:
    """Return the plan for runs by the name of their class; errors as ``plan_of``."""
    pairs = sorted(
        (_pair(label, context, target, decoder) for label, context in runs.items()), key=lambda pair: pair.elinks
    )
    _check_same(pairs, target)
    links = [pair.elinks for pair in pairs]
    if len(set(links)) < len(links):
        raise ConfigError(
            f"{', '.join(f'{pair.name} has {pair.elinks}' for pair in pairs)} eLinks: CMSSW chooses the graph by the "
            "number of links alone, so two classes with the same number cannot both be delivered; export their runs"
        )
    # A module with fewer links than any class gets the first graph, one between two classes the smaller one.
    graphs = tuple(max((i for i, n in enumerate(links) if n <= number), default=0) for number in range(LINKS))
    bits = tuple(_bits(pairs[graph], number) for number, graph in enumerate(graphs))
    fewer = list(range(1, links[0]))
    if fewer:
        notes = [
            *notes,
            f"Modules with {_list(fewer)} eLink{'s' if len(fewer) > 1 else ''} have no encoder of their own: they get "
            f"graph 0 with as many bits as their frame carries ({_list([bits[n] for n in fewer])}), for which its "
            "decoder was not trained.",
        ]
    return Plan(name, target, tuple(pairs), graphs, bits, source, tuple(notes), decoder)


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _bits(pair: Pair, links: int) -> int:
    """Return bitsPerLink: the graph's own bits, or on fewer links what their frame carries."""
    if links == 0:
        return 0
    if links >= pair.elinks:
        return pair.bits
    return max(min(pair.bits, frame_capacity(links) // pair.model.latents), 1)


def _pair(name: str, context: Context, target: Target, decoder: str) -> Pair:
    context.run.check("freeze")
    model = context.model()
    where = str(context.run.path)
    if model.sends_cells:
        raise ModelError(f"{where}: sends cells as pulses, not latents; CMSSW's class has no place for them. {LIBRARY}")
    if model.latents > LATENTS:
        raise ModelError(
            f"{where}: sends {model.latents} latents; CMSSW's class holds {LATENTS} (nEncodedLayerNodes_). {LIBRARY}"
        )
    if model.input.cells != context.geometry.cells or model.input.charge.fraction:
        raise ModelError(f"{where}: is no encoder of a module's {context.geometry.cells} trigger cells; expected one")
    if (fraction := model.normalise.out.fraction) > INPUT_BITS - 1:
        raise ModelError(
            f"{where}: its inputs have {fraction} fractional bits; CMSSW's class gives {INPUT_BITS - 1}. {LIBRARY}"
        )
    receiver = _receiver(context, target, decoder)
    kept = kept_bits(model, where)
    return Pair(name, context, model, receiver, kept, bits_per_link(model.latent, kept, where))


def _receiver(context: Context, target: Target, asked: str) -> Receiver:
    """Return the decoder that the target can feed: the one asked for, or the one without conditions of a campaign."""
    found = receiver_of(context, asked)
    unknown = [name for name in found.config.decoder.conditions if name not in target.columns]
    if unknown and (second := second_of(context)) is not None:
        found, unknown = second, []
    summed = bool(found.config.decoder.sum_columns) and "log_sum" not in target.columns
    needs = unknown + (["the module sum"] if summed else [])
    if needs:
        raise ConfigError(
            f"{context.run.path}: its decoder knows {', '.join(needs)}, and {target.what} gives decoders {LATENTS} "
            "latents alone; use --target fork, or train one with decoder.conditions = [] and without use_sum and "
            f"use_scale. {LIBRARY}"
        )
    return found


def kept_bits(model: EncoderModel, where: str) -> tuple[int, ...]:
    """Return the leading bits that are sent of every latent; ModelError when a mask keeps others, or bits get lost."""
    width = model.latent.width
    kept = tuple(mask.bit_count() for mask in model.pack.keep)
    for latent, (mask, bits) in enumerate(zip(model.pack.keep, kept, strict=True)):
        if mask != leading_mask(bits, width):
            raise ModelError(
                f"{where}: latent {latent} is sent with mask {mask:#x}, and CMSSW's class cuts trailing bits alone; "
                f"expected leading bits. {LIBRARY}"
            )
    if sum(kept) > (capacity := frame_capacity(model.pack.elinks)):
        raise ModelError(
            f"{where}: keeps {sum(kept)} bits and its frame carries {capacity}, so that upper bits are lost, which "
            f"CMSSW's class does not do; keep fewer. {LIBRARY}"
        )
    return kept


def bits_per_link(latent: FixedFormat, kept: Sequence[int], where: str) -> int:
    """Return the entry of bitsPerLink that keeps all that is sent: one integer bit and the fraction, no sign."""
    bits = max(kept) - latent.signed
    if bits < 1:
        raise ModelError(f"{where}: sends {max(kept)} bits of a signed latent; CMSSW's class keeps at least 2 of one")
    return bits


def _check_same(pairs: Sequence[Pair], target: Target) -> None:
    shapes = {pair.model.input.arrangement.name for pair in pairs}
    if target.image is None and len(shapes) > 1:
        raise ConfigError(
            f"the encoders have images {', '.join(sorted(shapes))}; CMSSW has one encoderShape and one cellRemap for "
            "all graphs: use --target fork, or one arrangement"
        )
