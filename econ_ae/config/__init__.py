"""What a run depends on: sections of settings, files, presets, and the encoder that they describe."""

from econ_ae.config.cells import CellsConfig
from econ_ae.config.data import (
    CmsEventsConfig,
    DataConfig,
    ModuleBranchesConfig,
    ModulesConfig,
    ResampleConfig,
    RootConfig,
)
from econ_ae.config.decoder import ChainLayerConfig, DecoderConfig
from econ_ae.config.load import changed, load, load_preset, parse, presets
from econ_ae.config.run import RunConfig
from econ_ae.config.sections import (
    PYTHIA,
    SYNTHETIC,
    AdmixtureConfig,
    ConditionsConfig,
    ConvConfig,
    DenseConfig,
    DistillConfig,
    EncoderConfig,
    HardwareConfig,
    PruneConfig,
    ReportConfig,
    SyntheticConfig,
    TrainingConfig,
    VerifyConfig,
)

__all__ = [
    "PYTHIA",
    "SYNTHETIC",
    "AdmixtureConfig",
    "CellsConfig",
    "ChainLayerConfig",
    "CmsEventsConfig",
    "ConditionsConfig",
    "ConvConfig",
    "DataConfig",
    "DecoderConfig",
    "DenseConfig",
    "DistillConfig",
    "EncoderConfig",
    "HardwareConfig",
    "ModuleBranchesConfig",
    "ModulesConfig",
    "PruneConfig",
    "ReportConfig",
    "ResampleConfig",
    "RootConfig",
    "RunConfig",
    "SyntheticConfig",
    "TrainingConfig",
    "VerifyConfig",
    "changed",
    "load",
    "load_preset",
    "parse",
    "presets",
]
