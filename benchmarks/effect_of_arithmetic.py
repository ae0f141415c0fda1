"""Mean EMD of one trained encoder in exact and in the chip's arithmetic: python benchmarks/effect_of_arithmetic.py RUN

Same float weights, same decoder, same report events, everything from the transmitted bits. The weights are rounded to
nearest (as trained) or floored (as the published chip weights were); the sums are exact (as trained) or every product
is floored before it is added (as on the chip).
"""

from __future__ import annotations

import sys
from pathlib import Path

from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import TRAINING, open_run
from econ_ae.emulator import encode
from econ_ae.ir.transform import truncate_products
from econ_ae.progress import Silent
from econ_ae.training import artifact
from metrics.emd import emd
from metrics.statistics import paired_difference, summarise


def main(run: Path) -> None:
    context = open_run(run, Silent())
    batch = context.rows("report")
    reference = None
    print("| weights | sums | mean EMD | difference to as trained | latents that differ |\n|---|---|---|---|---|")
    for rule in ("nearest", "floor"):
        hardware = context.config.hardware.model_copy(update={"weights": rule})
        config = context.config.model_copy(update={"hardware": hardware})
        networks = artifact.load(config, context.geometry, context.path(TRAINING))
        exact = artifact.freeze_run(config, context.geometry, networks, {})
        for sums, model in (("exact", exact), ("each product floored", truncate_products(exact))):
            latents = encode(model, batch.charges)
            result = emd(batch.charges, reconstruct(context, model, batch).charges, context.geometry)
            mean = summarise(result, config.seed).mean
            if reference is None:
                reference = (result, latents)
            change = paired_difference(result, reference[0], config.seed).mean
            share = (latents != reference[1]).mean()
            print(
                f"| {rule} | {sums} | {mean.value:.3f} ± {mean.error:.3f} "
                f"| {change.value:+.3f} ± {change.error:.3f} | {100 * share:.1f} % |"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
