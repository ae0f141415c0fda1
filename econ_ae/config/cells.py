"""The section of encoders that send cells as pulses (``encoder.family = "cells"``)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from econ_ae.config.sections import Section

_CELLS_OF = {1: 16, 2: 16, 3: 32}
"""Most cells that are sent, by eLinks; all 48 on more. Beyond, a cell has too few pulses to be worth its place."""
_ALL_CELLS = 48


class CellsConfig(Section):
    """An encoder that sends cells as pulses, and how it is learned; only with encoder.family = "cells"."""

    fraction: Annotated[int, Field(ge=8, le=16)] = Field(10, description="fractional bits of the normalised charges")
    most_cells: Annotated[int, Field(ge=1, le=63)] | None = Field(
        None, description="most cells sent; default: 16 on 2 eLinks, 32 on 3, 48 on more"
    )
    most_pulses: Annotated[int, Field(ge=1, lt=1 << 14)] = Field(1023, description="most that the cells share")
    most_exact: Annotated[int, Field(ge=1, lt=1 << 18)] = Field(
        16383, description="largest module sum that is sent without loss"
    )
    merge: bool = Field(True, description="cells that are not sent give their charge to their largest neighbour")
    offset: Annotated[int, Field(ge=0, le=15)] = Field(
        2, description="sixteenths of a pulse that every cell begins with; 8 would be rounding"
    )
    classes: Annotated[int, Field(ge=1, le=8)] = Field(
        4, description="classes of occupancy, each with biases of its own in the choice of the mode"
    )
    bias_bits: Annotated[int, Field(ge=4, le=12)] = Field(8, description="of every bias, in fractions of the whole")
    rule_events: Annotated[int, Field(ge=100)] = Field(
        10_000, description="most training events from which limits, biases and the table are learned"
    )
    refits: Annotated[int, Field(ge=0)] = Field(
        1, description="times that the biases are learned anew with the network, evenly over the epochs"
    )
    steps: Annotated[int, Field(ge=1)] | None = Field(
        None, description="most batches per epoch, drawn anew in each; default: all training events"
    )
    units: Annotated[int, Field(ge=1)] = Field(32, description="channels per cell of the decoder's network")
    depth: Annotated[int, Field(ge=1)] = Field(3, description="its layers, each of which sees two rings of neighbours")

    def cells_of(self, elinks: int) -> int:
        """Return the most cells that are sent on a number of eLinks."""
        return self.most_cells or _CELLS_OF.get(elinks, _ALL_CELLS)
