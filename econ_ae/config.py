"""Run configuration: TOML or JSON, presets, one-line errors for unknown or wrong keys."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from econ_ae.errors import ConfigError, EconAeError, did_you_mean
from econ_ae.fixedpoint import FixedFormat

DEFAULT_PRESET = "econ-t"
SYNTHETIC = "synthetic"
PYTHIA = "pythia"
_Count = Annotated[int, Field(ge=1)]


def _check_format(text: str, field: str) -> str:
    try:
        fmt = FixedFormat.parse(text)
    except EconAeError as problem:
        raise ValueError(str(problem)) from problem
    if field == "weight" and not fmt.signed:
        raise ValueError("weights need a signed format such as s0.5")
    if field == "input" and fmt.signed:
        raise ValueError("charges are never negative; expected an unsigned format such as u1.7")
    return text


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("input", "weight", "activation", mode="after", check_fields=False)
    @classmethod
    def _format(cls, value: str, info: ValidationInfo) -> str:
        return _check_format(value, str(info.field_name))


class SyntheticConfig(_Section):
    """What generated images show."""

    modules: str = Field("all", description="'all', or layer:u,v with blanks between them, for example '7:5,1'")
    pileup: Annotated[float, Field(ge=0)] = Field(200.0, description="mean interactions per crossing")
    signals: tuple[str, ...] | None = Field(None, description="kinds of signal; default: by the generator")
    signal_share: Annotated[float, Field(ge=0, le=1)] = Field(0.5, description="share of the images with a signal")
    threshold: Annotated[float, Field(gt=0)] = Field(0.5, description="zero suppression, MIPs")
    calibrated: bool = Field(True, description="charges are transverse: 1 / cosh(eta) of the module after the code")


class DataConfig(_Section):
    """Which trigger-cell images, and which of their rows train and report (row ranges such as '0:8000')."""

    source: str = Field(SYNTHETIC, description="'synthetic', 'pythia' or the path of a CSV file or a directory of them")
    events: _Count = Field(10_000, description="events to generate, where the source is a generator")
    limit: _Count | None = Field(None, description="read only the first rows of the file")
    field_order: Literal["msb-first", "lsb-first"] = Field("msb-first", description="first cell of an ePortRX word")
    density: Literal[1, 3] | None = Field(None, description="of the 7-bit codes; default: by the file's form")
    zero_code: Literal["suppressed", "bin-centre"] | None = Field(None, description="what code 0 stands for")
    train: str | None = Field(None, description="rows that train; default: the first 80 %")
    report: str | None = Field(None, description="rows of the report; default: the last 20 %")
    validation: Annotated[float, Field(gt=0, lt=1)] = Field(0.1, description="share of the training rows")
    keep_copies: bool = Field(False, description="also train on rows whose image is repeated in the report")
    synthetic: SyntheticConfig = SyntheticConfig()


class ConvConfig(_Section):
    """One convolution of the encoder and the requantisation after it."""

    filters: _Count = 8
    kernel: _Count = 3
    stride: _Count = 2
    padding: Literal["same", "valid"] = "same"
    weight: str = "s0.5"
    activation: str = "u2.7"


class DenseConfig(_Section):
    """One dense layer of the encoder and the requantisation after it."""

    units: _Count = 16
    weight: str = "s0.5"
    activation: str = "u1.8"


class EncoderConfig(_Section):
    """The encoder on the chip."""

    arrangement: str = "8x8x1"
    input: str = "u1.7"
    conv: tuple[ConvConfig, ...] = (ConvConfig(),)
    dense: Annotated[tuple[DenseConfig, ...], Field(min_length=1)] = (DenseConfig(),)


class DecoderConfig(_Section):
    """The decoder off the detector: dense layers, a sigmoid per trigger cell."""

    hidden: tuple[_Count, ...] = (256, 256)
    output_bias: float = Field(-3.5, description="start of the output bias; sigmoid(-3.5) is about 1/34 per cell")
    use_sum: bool = Field(False, description="also give the decoder the module sum that the frame carries")


class TrainingConfig(_Section):
    """Quantization-aware training."""

    loss: Literal["telescope", "pyramid", "sliced", "sinkhorn", "emd"] = "telescope"
    arithmetic: Literal["hardware", "exact"] = Field(
        "hardware", description="train in the arithmetic that the block computes in, or with exact sums"
    )
    rotations: bool = Field(False, description="also train on the images turned by 120 and 240 degrees")
    warmup: Annotated[int, Field(ge=0)] = Field(0, description="epochs over which the learning rate rises linearly")
    epochs: _Count = 200
    batch: _Count = 100
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    final_learning_rate: Annotated[float, Field(gt=0)] = 3e-5
    patience: _Count = Field(40, description="epochs without a better validation loss before training stops")


class HardwareConfig(_Section):
    """The generated block, and the arithmetic that it computes in."""

    weights: Literal["nearest", "floor"] = Field(
        "nearest", description="float weights to integers: as trained, or floored as the published chip weights were"
    )
    accumulate: Literal["exact", "trn_each"] = Field(
        "exact", description="full-precision sums, or every product floored before it is added, as on the ECON-T"
    )
    elinks: Annotated[int, Field(ge=1, le=13)] | None = Field(None, description="default: as few as hold all bits")
    keep: _Count | None = Field(None, description="leading bits of each latent that are sent; default: as many as fit")
    registers: tuple[str, ...] | None = Field(None, description="pipeline registers; default: after every layer")


class VerifyConfig(_Section):
    """How much stimulus goes through the simulator, besides all corners."""

    real_events: _Count = 2_000
    random_events: _Count = 500


class ReportConfig(_Section):
    """The comparison."""

    elinks: tuple[Annotated[int, Field(ge=1, le=13)], ...] = (2, 3, 4, 5)


class RunConfig(_Section):
    """Everything that a run depends on."""

    name: str = Field("econ_t", pattern=r"^[a-z][a-z0-9_]*$", description="name of the encoder in Verilog and C")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    data: DataConfig = DataConfig()
    encoder: EncoderConfig = EncoderConfig()
    decoder: DecoderConfig = DecoderConfig()
    training: TrainingConfig = TrainingConfig()
    hardware: HardwareConfig = HardwareConfig()
    verify: VerifyConfig = VerifyConfig()
    report: ReportConfig = ReportConfig()


def presets() -> list[str]:
    """Return the names of the presets."""
    folder = resources.files("econ_ae") / "presets"
    return sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(".toml"))


def load_preset(name: str) -> RunConfig:
    """Return a preset; ConfigError with a suggestion when there is none of that name."""
    if name not in presets():
        raise ConfigError(
            f"preset {name!r} is unknown; expected one of {', '.join(presets())}{did_you_mean(name, presets())}"
        )
    text = (resources.files("econ_ae") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return parse(tomllib.loads(text), f"preset {name}")


def load(path: Path) -> RunConfig:
    """Return the configuration of a .toml or .json file; ConfigError in one line when it is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"cannot read configuration {path}: {problem}") from problem
    try:
        raw = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{path}: {problem}") from problem
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected a table of settings, not a {type(raw).__name__}")
    return parse(raw, str(path))


def parse(raw: dict[str, Any], where: str) -> RunConfig:
    """Return the validated configuration; the error names the key, what it holds and what it must hold."""
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as problem:
        raise ConfigError(f"{where}: " + "; ".join(_explain(e) for e in problem.errors())) from problem


def _explain(error: Any) -> str:
    path = error["loc"]
    key = ".".join(str(part) for part in path)
    if error["type"] == "extra_forbidden":
        known = _section_at(path[:-1]).model_fields
        hint = did_you_mean(str(path[-1]), known) or f"; expected one of {', '.join(known)}"
        return f"unknown key {key!r}{hint}"
    return f"{key} = {error['input']!r}: {error['msg']}"


def _section_at(path: tuple[Any, ...]) -> type[BaseModel]:
    sections: dict[str, type[BaseModel]] = {
        "data": DataConfig,
        "synthetic": SyntheticConfig,
        "encoder": EncoderConfig,
        "decoder": DecoderConfig,
        "training": TrainingConfig,
        "hardware": HardwareConfig,
        "verify": VerifyConfig,
        "report": ReportConfig,
        "conv": ConvConfig,
        "dense": DenseConfig,
    }
    named = [part for part in path if isinstance(part, str)]
    return sections[named[-1]] if named else RunConfig
