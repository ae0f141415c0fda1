"""The README of a package: for the person who opens the pull request."""

from __future__ import annotations

from collections.abc import Sequence

from econ_ae.app.export.cmssw.check import Compared
from econ_ae.app.export.cmssw.expected import BOUND
from econ_ae.app.export.cmssw.fragment import DATA, decoder_file, encoder_file, fragment_file
from econ_ae.app.export.cmssw.plan import Pair, Plan
from econ_ae.app.export.cmssw.target import LATENTS
from econ_ae.econt.autoencoder import SUM_EXPONENT, SUM_MANTISSA


def readme(plan: Plan, found: Sequence[Compared]) -> str:
    """Return the text."""
    from econ_ae.training.export_graph import INPUT, OUTPUT

    names = INPUT, OUTPUT
    notes = "".join(f"\n- {note}" for note in plan.notes)
    return f"""\
# {plan.name}: autoencoder graphs for CMSSW

For `HGCalConcentratorAutoEncoderImpl` of {plan.target.what}.
Made by econ-ae from `{plan.source}`; `export.json` has the hashes of runs, models, class map and of every file here.

| file | what it is |
|---|---|
{_files(plan)}
| `{fragment_file(plan)}` | the processor, cloned from `autoEncoder_conc_proc` |
| `verification.json` | what was compared before these files were handed out |

## Use
1. Copy the `.pb` files to `{DATA}/{plan.name}/` (the package cms-data/L1Trigger-L1THGCal).
2. Copy `{fragment_file(plan)}` to `L1Trigger/L1THGCal/python/`.
3. In the job: `from L1Trigger.L1THGCal.{fragment_file(plan).removesuffix(".py")} import custom_{plan.name}`, then
   `process = custom_{plan.name}(process)`.

## What the class does with them
- **Graphs.** TensorFlow 1 GraphDefs. Node 0 is the placeholder `{names[0]}`, the last node is `{names[1]}`, the same
  names in every graph. Encoders take (n, {", ".join(map(str, plan.image.shape))}) and give (n, {LATENTS}); decoders
  take (n, {plan.decoder_width}) and give one value for each of the {len(plan.image.cells)} pixels.
- **Encoder.** The chip's integers in float32: inputs are floored to {plan.pairs[0].model.normalise.out}, all products,
  sums, floors and saturations are exact, because every number on the way is an integer below 2^24 times a power of two
  (proved by range analysis before the graph is written). A latent leaves the graph as its kept bits say, as a number
  with one integer bit, so the class's own truncation with `bitsPerLink` changes nothing.
- **Links.** Graph and bits are looked up independently by the number of links; here they agree:

| links | {" | ".join(map(str, range(len(plan.link_to_graph))))} |
|---|{"---|" * len(plan.link_to_graph)}
| graph | {" | ".join(map(str, plan.link_to_graph))} |
| bits | {" | ".join(map(str, plan.bits_per_link))} |
{notes}
{_inputs(plan)}
## Compared before the files were handed out
Report events of each run, the files as they lie here, through a replica of the class in numpy.

| | {" | ".join(one.modules for one in found)} |
|---|{"---|" * len(found)}
{_compared(found)}

The bound of a charge's difference is {BOUND:.1e} of the module sum (float32 sums in another order).

## Not verified here
- No CMSSW was built or run: the class was replicated from its public sources. `scram b`, `cmsRun` and the
  integration tests of L1Trigger/L1THGCal remain to be run.
- Only whole modules with all 48 trigger cells; what `validTriggerCell` drops of partial ones was not replicated.
- TensorFlow of CMSSW's release: the graphs hold ordinary operations with default attributes, written by the TensorFlow
  of this package, and were loaded with that. float32 matrix products must not be computed in a shorter format
  (TF32, bfloat16): the exactness of the encoder rests on it.
- The front end (calibration, zero suppression of the VFE, the conversion of MIP_T to ADC and Et) is CMSSW's and was not
  compared; the replica starts from calibrated charges, at cosh(eta) = 1.
- Which module has how many links: CMSSW's link mapping says it, and the training said it with the class map in
  `export.json`. Nothing here compares the two.{_not_verified(plan)}
"""


def _files(plan: Plan) -> str:
    return "\n".join(
        f"| `{encoder_file(number)}`, `{decoder_file(number)}` | {_pair(pair)} |"
        for number, pair in enumerate(plan.pairs)
    )


def _pair(pair: Pair) -> str:
    conditions = pair.receiver.config.decoder.conditions
    known = f"; its decoder knows {', '.join(conditions)}" if conditions else ""
    return f"{pair.name}: {pair.elinks} eLinks, {pair.model.latents} latents, {sum(pair.kept)} bits{known}"


def _compared(found: Sequence[Compared]) -> str:
    lines = {
        "events": [str(one.events) for one in found],
        "latents that differ from the integer model on the class's inputs": [
            f"{one.differing} of {one.latents}" for one in found
        ],
        "the same on random images k / 128": [f"{one.grid_differing} in {one.grid_images} images" for one in found],
        "latents that are not the chip's, which normalises in its own way": [
            f"{one.chip_differing} in {one.chip_events} events" for one in found
        ],
        "largest difference of a charge to our decoder, of the module sum": [f"{one.largest:.1e}" for one in found],
        "cells dropped as too small": [f"{100 * one.absent:.1f} %" for one in found],
        "mean EMD after the class": [f"{one.emd:.4f}" for one in found],
        "mean EMD after the chip's frame and our decoder": [f"{one.emd_own:.4f}" for one in found],
    }
    return "\n".join(f"| {what} | {' | '.join(values)} |" for what, values in lines.items())


def _inputs(plan: Plan) -> str:
    if not plan.target.columns:
        return """\
- **Inputs.** round(mipPt / 2^int(log2 sum) * 2^8) / 2^8 with sums in MIP_T, where int cuts towards 0: another power of
  two than the chip's, which divides CALQ counts, and another rounding. On the chip's own inputs the graph gives the
  chip's latents; on these inputs it gives others, as counted below, with the EMD that this costs.
"""
    return f"""\
- **Inputs.** (CALQ << 7) >> floor(log2 sum), as the chip computes them: on these the latents are the chip's.
- **Conditions.** Columns 16 to 23 of the decoder's input: eta / 3.1, v / 12, u / 12, sensor type one-hot of three,
  log(sum + 1), (layer - 1) / 46. The graph takes the absolute eta, and makes the sum as the frame carries it
  ({SUM_EXPONENT}E{SUM_MANTISSA}M, middle of the bin) of the exact one, which is what the decoder was trained with.
"""


def _not_verified(plan: Plan) -> str:
    if not plan.target.columns:
        return ""
    return """
- The class leaves the cell at pixel 0 out of the sum that it tells the decoder. Where that cell has charge the
  decoder is told a smaller sum than it was trained with; `sums_differing` in `verification.json` counts these events.
- Signs of waferU and waferV at negative z: the training data say what they say, CMSSW's ids were not seen.
- An earlier state of the fork fills the encoder's input only when `verbose` is on; use one that always does.
- `useTransverseADC` is on: CALQ is ADC / cosh(eta). Training charges must be transverse, too."""
