"""Everything that a run depends on, as one section of sections."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from econ_ae.config.cells import CellsConfig
from econ_ae.config.data import DataConfig
from econ_ae.config.decoder import DecoderConfig
from econ_ae.config.sections import (
    ConditionsConfig,
    EncoderConfig,
    HardwareConfig,
    PruneConfig,
    ReportConfig,
    Section,
    TrainingConfig,
    VerifyConfig,
)
from econ_ae.config.several import CampaignSection, FamilySection
from econ_ae.errors import ConfigError


def _check_fewer(what: str, left: int, there: int) -> None:
    if left >= there:
        raise ConfigError(f"training.prune.{what} = {left} is what is left of {there}; expected fewer")


class RunConfig(Section):
    """Everything that a run depends on."""

    name: str = Field("econ_t", pattern=r"^[a-z][a-z0-9_]*$", description="name of the encoder in Verilog and C")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(1, description="seed of everything that is random in the run")
    data: DataConfig = DataConfig()
    conditions: ConditionsConfig = ConditionsConfig()
    encoder: EncoderConfig = EncoderConfig()
    cells: CellsConfig = CellsConfig()
    decoder: DecoderConfig = DecoderConfig()
    training: TrainingConfig = TrainingConfig()
    hardware: HardwareConfig = HardwareConfig()
    verify: VerifyConfig = VerifyConfig()
    report: ReportConfig = ReportConfig()

    @property
    def on_chip(self) -> EncoderConfig:
        """The encoder that is left when filters and outputs have been removed.

        Raises
        ------
        ConfigError
            When more would be left than there is.
        """
        prune = self.training.prune or PruneConfig()
        if prune.weights is not None and prune.start >= prune.end:
            raise ConfigError(f"training.prune.start = {prune.start} must be below training.prune.end = {prune.end}")
        conv, dense = self.encoder.conv, self.encoder.dense
        if prune.filters is not None:
            fewest = min((layer.filters for layer in conv), default=0)
            _check_fewer("filters", prune.filters, fewest)
            conv = tuple(layer.model_copy(update={"filters": prune.filters}) for layer in conv)
        if prune.latents is not None:
            _check_fewer("latents", prune.latents, dense[-1].units)
            dense = (*dense[:-1], dense[-1].model_copy(update={"units": prune.latents}))
        return self.encoder.model_copy(update={"conv": conv, "dense": dense})


class FamilyFile(RunConfig):
    """Everything that a run depends on; in the file of a family or a campaign, what holds for all of its runs."""

    family: FamilySection | None = Field(None, description="makes the file that of a family")
    campaign: CampaignSection | None = Field(None, description="makes the file that of a campaign")
