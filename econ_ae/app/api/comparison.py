"""Algorithms side by side on the same images, as rows that notebooks show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from econ_ae.app.reconstruction import reconstruct
from econ_ae.app.run.context import Context
from econ_ae.data.batch import Batch
from econ_ae.errors import ConfigError, did_you_mean
from econ_ae.ir.model import EncoderModel


@dataclass(frozen=True)
class Row:
    """One algorithm at one rate.

    Parameters
    ----------
    algorithm : in words
    key, variant : as in configurations; the variant is empty where there is one only
    elinks : output links; None when nothing is sent
    frame_bits : bits that the frame fills, header and sum included; None when unknown
    emd, error : mean and its bootstrap standard error, units of half a TC pitch
    events : with an EMD
    """

    algorithm: str
    key: str
    variant: str
    elinks: int | None
    frame_bits: float | None
    emd: float
    error: float
    events: int


@dataclass(frozen=True)
class Comparison:
    """Rows in the order of their eLinks, then of their EMD.

    Parameters
    ----------
    rows : at least one
    synthetic : whether the images were generated
    notes : what a reader has to know
    """

    rows: tuple[Row, ...]
    synthetic: bool
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def best(self, elinks: int) -> Row:
        """Return the row with the smallest mean EMD on some eLinks; ConfigError when none has them."""
        found = [row for row in self.rows if row.elinks == elinks]
        if not found:
            there = sorted({row.elinks for row in self.rows if row.elinks is not None})
            raise ConfigError(f"nothing was compared on {elinks} eLinks; expected one of {', '.join(map(str, there))}")
        return min(found, key=lambda row: row.emd)

    def _repr_html_(self) -> str:
        title = "Mean EMD, synthetic images" if self.synthetic else "Mean EMD"
        head = "".join(f"<th>{name}</th>" for name in ("algorithm", "variant", "eLinks", f"{title}", "events"))
        body = "".join(
            f"<tr><td>{escape(row.algorithm)}</td><td>{escape(row.variant)}</td>"
            f"<td>{'-' if row.elinks is None else row.elinks}</td>"
            f"<td>{row.emd:.4f} ± {row.error:.4f}</td><td>{row.events}</td></tr>"
            for row in self.rows
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"


def compared(
    context: Context,
    model: EncoderModel,
    images: Batch,
    names: Sequence[str],
    elinks: Sequence[int],
    *,
    notes: Sequence[str],
) -> Comparison:
    """Return the comparison that ``Run.compare`` describes; tables of the others are made of the training rows."""
    from metrics.evaluate import evaluate
    from metrics.transmitted import ALGORITHMS, transmitted

    known = ("ae", *ALGORITHMS)
    for name in names:
        if name not in known:
            raise ConfigError(
                f"algorithm {name!r} is unknown; expected some of {', '.join(known)}{did_you_mean(name, known)}"
            )
    if not names or not elinks:
        raise ConfigError(f"{'no algorithm' if not names else 'no eLinks'} to compare; expected at least one")
    others = [name for name in names if name != "ae"]
    sent = transmitted(images.charges, context.geometry, elinks, others, tune=context.rows("train").charges)
    received = [reconstruct(context, model, images)] if "ae" in names else []
    evaluation = evaluate(
        images.charges, [*received, *sent.reconstructions], context.geometry, context.config.seed, metadata={}
    )
    rows = []
    for one in evaluation.entries:
        seen, mean = one.reconstruction, one.summary.mean
        rows.append(
            Row(
                seen.name,
                seen.algorithm,
                seen.variant,
                seen.elinks,
                seen.frame_bits,
                mean.value,
                mean.error,
                one.summary.n_defined,
            )
        )
    rows.sort(key=lambda row: (row.elinks or 0, row.emd))
    return Comparison(tuple(rows), images.provenance.synthetic, tuple(notes))
