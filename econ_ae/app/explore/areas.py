"""What an encoder takes in silicon before it is synthesised."""

from __future__ import annotations

from dataclasses import dataclass

from econ_ae.ir.model import EncoderModel


@dataclass(frozen=True)
class AreaEstimate:
    """An estimate.

    Parameters
    ----------
    kge : kilo gate equivalents of the complete block
    error : relative
    registers : bits of configuration
    """

    kge: float
    error: float
    registers: int


def estimate(model: EncoderModel) -> AreaEstimate:
    """Return a rough estimate from the configuration bits and the products alone."""
    from rtl_gen.registers.layout import address_map

    registers = address_map(model).stored_bits
    if model.sends_cells:
        return AreaEstimate(150 + 0.05 * registers, 0.5, registers)
    products = sum(
        layer.kernel.size * (1 if layer.kernel.ndim == 2 else 16) * layer.weight.width for layer in model.layers
    )
    return AreaEstimate(100 + 0.03 * registers + 0.02 * products, 0.5, registers)
