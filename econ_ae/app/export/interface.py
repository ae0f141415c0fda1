"""What goes into the graphs of a run and what comes out, as a table for programs and a page for people."""

from __future__ import annotations

from typing import Any

from econ_ae.app.export.networks import BOUND, Compared, Networks
from econ_ae.data.module_conditions import DEFINITIONS
from econ_ae.ir.model import EncoderModel
from econ_ae.tensor.program import Program

SECOND = "second decoder, which was trained for the same encoder and knows nothing but the frame"
_MEANING = {
    "charges": "charges of the trigger cells, CALQ counts, in trigger-cell order",
    "fractions": "charge fractions in trigger-cell order; they sum to 1 where there is charge",
    "sum": "module sum, CALQ counts: the frame's 5E4M code at mid-bin; of an event without loss the sum of its pulses",
    "mode": "number of the mode that the frame says",
    "exact": "1 where the frame says without loss, else 0",
    "pulses": "pulses of every trigger cell; 0 where none was sent",
    "eta": "pseudorapidity of the module's centre, of either sign",
    "layer": "layer of the detector, from 1",
    "u": "wafer u",
    "v": "wafer v",
    "thickness": "thickness of the sensor, um: 120, 200 or 300",
}


def interface(networks: Networks) -> dict[str, Any]:
    """Return the inputs and outputs of both graphs with shapes behind the batch, types, meanings and limits."""
    out = {"decoder": _of(networks.decoder, networks.model)}
    if networks.encoder is not None:
        out["encoder"] = _of(networks.encoder, networks.model)
    return out


def _of(program: Program, model: EncoderModel) -> dict[str, Any]:
    return {
        "inputs": {value.name: _entry(value.name, value.shape, model) for value in program.inputs},
        "outputs": {name: _entry(name, value.shape, model) for name, value in program.outputs},
    }


def _entry(name: str, shape: tuple[int, ...], model: EncoderModel) -> dict[str, Any]:
    entry: dict[str, Any] = {"shape": list(shape), "type": "float32", "meaning": meaning(name, model)}
    if (limits := DEFINITIONS.get(name)) is not None:
        entry |= {"lowest": limits.low, "highest": limits.high}
    return entry


def meaning(name: str, model: EncoderModel) -> str:
    """Return what an input or output is."""
    if name == "latents":
        fmt = model.latent
        return f"latents, integers of {fmt.width} bits divided by 2^{fmt.fraction}; bits that were not sent are 0"
    if name == "image":
        fraction = model.normalise.out.fraction
        return (
            f"(charge << {fraction}) >> floor(log2(sum)), divided by 2^{fraction}, at the pixels of the trigger cells"
        )
    return _MEANING[name]


def page(title: str, networks: Networks, found: Compared, files: dict[str, str]) -> str:
    """Return a Markdown page: the files, inputs and outputs, what is inside, before and after, what was compared."""
    model = networks.model
    lines = [
        f"# {title}",
        "",
        f"Encoder `{model.name}` of econ-ae and its {SECOND if networks.second else 'decoder'}.",
        "",
        "| file | what |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | {what} |" for name, what in files.items()]
    for graph, sides in interface(networks).items():
        lines += ["", f"## {graph.capitalize()}", "| | name | shape behind the batch | meaning |", "|---|---|---|---|"]
        for side, entries in sides.items():
            lines += [
                f"| {side[:-1]} | `{name}` | {tuple(entry['shape'])} | {entry['meaning']} |"
                for name, entry in entries.items()
            ]
    lines += ["", "All of them are float32, and the batch comes first.", "", *_inside(model), "", *_compared(found), ""]
    return "\n".join(lines)


def _inside(model: EncoderModel) -> list[str]:
    if model.sends_cells:
        return [
            "## Inside and outside of the graph",
            "The encoder sorts and counts integers, which is no network: it has no graph (`--format emulator` has it).",
            "Inside of the decoder: levels of every mode and number of pulses, the network with its conditions and",
            "their normalisation, the division by the sum, and the choice between these and the pulses themselves for",
            "events without loss. The receiver does before it: unpack the frame into mode, loss and pulses, and decode",
            "the 5E4M sum at mid-bin. After it nothing.",
        ]
    return [
        "## Inside and outside of the graph",
        "Inside of the encoder: all layers, with the chip's floors, rounding and saturation; pixels without a trigger",
        "cell count as 0. The sender does before it: the normaliser (where a file begins with charges, it is inside).",
        "After it: times 2 to the power of the fraction gives the integers that are packed.",
        "Inside of the decoder: what it takes of the module sum, conditions and their normalisation, the network, the",
        "division by the sum of its outputs. The receiver does before it: unpack the frame into latents (bits that",
        "were not sent are 0) and decode the 5E4M sum at mid-bin. After it nothing.",
    ]


def _compared(found: Compared) -> list[str]:
    latents = "" if found.latents_differ is None else f"{found.latents_differ} latents differ from the integer model; "
    return [
        "## Compared before this was handed out",
        f"On all {found.events} report events of the run: {latents}charges differ from our decoder by at most",
        f"{found.charges:.1e} of the module sum (allowed: {BOUND:.0e}; both compute in float32, in another order);",
        f"{found.fractions_differ} events have fractions that are not the charges' shares, to the last bit.",
    ]
