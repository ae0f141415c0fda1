"""The sections of a run configuration but for its data, without what reads them: keys, defaults, limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from econ_ae.errors import EconAeError
from econ_ae.fixedpoint import FixedFormat

SYNTHETIC = "synthetic"
PYTHIA = "pythia"
_Count = Annotated[int, Field(ge=1)]
_Zeros = Annotated[int, Field(ge=0)]
_Events = Annotated[int, Field(ge=1, le=10**10)]


def _check_format(text: str, field: str) -> str:
    try:
        fmt = FixedFormat.parse(text)
    except EconAeError as problem:
        raise ValueError(str(problem)) from problem
    if field in {"weight", "bias"} and not fmt.signed:
        raise ValueError("weights need a signed format such as s0.5")
    if field == "input" and fmt.signed:
        raise ValueError("charges are never negative; expected an unsigned format such as u1.7")
    return text


def _check_keep(value: Any) -> Any:
    numbers = value if isinstance(value, list | tuple) else [value]
    least = 0 if isinstance(value, list | tuple) else 1
    if value is not None and not all(type(bits) is int and bits >= least for bits in numbers):
        raise ValueError("expected a number of bits, at least 1, or a list of them, one per latent, each at least 0")
    return value


class Section(BaseModel):
    """A table of settings: frozen, without unknown keys, its formats understood."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("input", "weight", "bias", "activation", mode="after", check_fields=False)
    @classmethod
    def _format(cls, value: str | None, info: ValidationInfo) -> str | None:
        return value if value is None else _check_format(value, str(info.field_name))


class SyntheticConfig(Section):
    """What generated images show."""

    modules: str = Field("all", description="'all', or layer:u,v with blanks between them, for example '7:5,1'")
    pileup: Annotated[float, Field(ge=0)] = Field(200.0, description="mean interactions per crossing")
    signals: tuple[str, ...] | None = Field(None, description="kinds of signal; default: by the generator")
    signal_share: Annotated[float, Field(ge=0, le=1)] = Field(0.5, description="share of the images with a signal")
    threshold: Annotated[float, Field(gt=0)] = Field(0.5, description="zero suppression, MIPs")
    calibrated: bool = Field(True, description="charges are transverse: 1 / cosh(eta) of the module after the code")


class ConditionsConfig(Section):
    """What is wrong with the module; all of it random with one seed."""

    dead: tuple[int, ...] = Field((), description="trigger cells that send code 0")
    noisy: tuple[int, ...] = Field((), description="trigger cells with extra counts")
    noise_rate: Annotated[float, Field(gt=0, le=1)] = Field(0.5, description="share of the crossings with extra counts")
    noise_counts: Annotated[float, Field(gt=0)] = Field(
        70.0, description="mean of the (exponential) extra counts, CALQ"
    )
    partial: str | None = Field(None, description="part of the module that is there, for example 'top'")
    pileup: Annotated[float, Field(gt=0, le=10)] = Field(
        1.0, description="above 1 hits of other images are overlaid, below 1 hits are dropped, until the mean fits"
    )
    drift: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="standard deviation of the cells' gains around 1"
    )
    dead_count: Annotated[int, Field(ge=0)] = Field(
        0, description="trigger cells that send code 0, drawn at random, besides 'dead'"
    )
    per_module: bool = Field(
        False,
        description="draw gains and dead cells for every module of its own, and overlay hits of the same module",
    )
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(1, description="of everything that is random here")

    @property
    def changes(self) -> bool:
        """Tell whether anything is different from the data as they are."""
        return bool(self.dead or self.noisy or self.partial or self.dead_count) or self.pileup != 1 or self.drift > 0


class ConvConfig(Section):
    """One convolution of the encoder and the requantisation after it."""

    filters: _Count = Field(8, description="output channels")
    kernel: _Count | tuple[_Count, _Count] = Field(3, description="rows, and columns, of the kernel; or both of them")
    stride: _Count | tuple[_Count, _Count] = Field(2, description="in rows and in columns; or both of them")
    padding: Literal["same", "valid"] | tuple[tuple[_Zeros, _Zeros], tuple[_Zeros, _Zeros]] = Field(
        "same",
        description="with zeros, the odd one below and right; none; or rows [above, below] and columns [left, right]",
    )
    weight: str = Field("s0.5", description="signed format of weights and biases")
    bias: str | None = Field(None, description="signed format of the biases; default: that of the weights")
    activation: str = Field("u2.7", description="format of the outputs; unsigned ones go through a ReLU")
    rounding: Literal["rnd_conv", "trn"] = Field(
        "rnd_conv", description="of the outputs: to nearest, ties to even; or down"
    )
    overflow: Literal["sat", "wrap"] = Field("sat", description="of the outputs: the largest value, or wrapped around")


class DenseConfig(Section):
    """One dense layer of the encoder and the requantisation after it."""

    units: _Count = Field(16, description="outputs; those of the last layer are the latents")
    weight: str = Field("s0.5", description="signed format of weights and biases")
    bias: str | None = Field(None, description="signed format of the biases; default: that of the weights")
    activation: str = Field("u1.8", description="format of the outputs; unsigned ones go through a ReLU")
    rounding: Literal["rnd_conv", "trn"] = Field(
        "rnd_conv", description="of the outputs: to nearest, ties to even; or down"
    )
    overflow: Literal["sat", "wrap"] = Field("sat", description="of the outputs: the largest value, or wrapped around")
    initial_bias: float = Field(0.0, description="start of the biases; above 0 no output starts, and stays, at 0")


class EncoderConfig(Section):
    """The encoder on the chip."""

    family: Literal["layers", "cells"] = Field(
        "layers", description="a network whose outputs are sent, or cells as pulses, see [cells]"
    )
    arrangement: str = Field("8x8x1", description="how trigger cells make an image: '8x8x1' or '4x4x3'")
    input: str = Field("u1.7", description="unsigned format of the normalised charges")
    conv: tuple[ConvConfig, ...] = Field((ConvConfig(),), description="first to last; default: one; may be empty")
    dense: Annotated[tuple[DenseConfig, ...], Field(min_length=1)] = Field(
        (DenseConfig(),), description="first to last; default: one"
    )

    @property
    def layers(self) -> tuple[ConvConfig | DenseConfig, ...]:
        """All layers, first to last."""
        return (*self.conv, *self.dense)


class AdmixtureConfig(Section):
    """Generated images among those of the data while training: many different ones, where a sample has few."""

    source: Literal["synthetic", "pythia"] = Field("synthetic", description="generator of the images")
    share: Annotated[float, Field(gt=0, lt=1)] = Field(0.5, description="of every training batch")
    events: _Events = Field(100_000, description="images generated; each batch draws some of them")
    synthetic: SyntheticConfig = SyntheticConfig()


class DistillConfig(Section):
    """A float network that is trained first and whose output the encoder's network then also learns."""

    share: Annotated[float, Field(gt=0, lt=1)] = Field(0.5, description="of the teacher's output in the loss")
    widen: _Count = Field(4, description="times as many filters and hidden units in the teacher's encoder")
    epochs: _Count | None = Field(None, description="of the teacher; default: those of the training")


class PruneConfig(Section):
    """What is removed from the encoder during training."""

    weights: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None, description="share of every layer's weights that becomes 0, those of smallest magnitude"
    )
    filters: _Count | None = Field(None, description="filters left in every convolution")
    latents: _Count | None = Field(None, description="outputs left")
    start: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.2, description="share of the epochs before weights are pruned; whole filters go after as many extra epochs"
    )
    end: Annotated[float, Field(gt=0, le=1)] = Field(0.6, description="share of the epochs when all weights are pruned")

    @property
    def structured(self) -> bool:
        """Tell whether whole filters or outputs are removed."""
        return self.filters is not None or self.latents is not None


class TrainingConfig(Section):
    """Quantization-aware training."""

    loss: Literal["telescope", "pyramid", "sliced", "sinkhorn", "emd"] = Field(
        "telescope", description="what is minimised, see docs/training.md"
    )
    cluster_weight: Annotated[float, Field(ge=0)] = Field(
        0.0, description="of energy and place of the charge over a threshold in the loss, see docs/training.md; 0: none"
    )
    cluster_threshold: Annotated[float, Field(gt=0)] | None = Field(
        None, description="of a cell, in the images' unit; default: 1.35 MIP_T, 213 CALQ or 33 counts"
    )
    select: Literal["emd", "physics"] = Field(
        "emd",
        description="what is kept: what has the smallest validation loss and EMD, or whose clusters of the validation "
        "events keep their pT best; whole events only",
    )
    arithmetic: Literal["hardware", "exact"] = Field(
        "hardware", description="train in the arithmetic that the block computes in, or with exact sums"
    )
    rotations: bool = Field(False, description="also train on the images turned by 120 and 240 degrees")
    warmup: Annotated[int, Field(ge=0)] = Field(0, description="epochs over which the learning rate rises linearly")
    epochs: _Count = Field(200, description="most passes through the training rows")
    steps: _Count | None = Field(
        None, description="most batches per epoch, drawn anew in each; default: all training rows"
    )
    batch: _Count = Field(100, description="images per step")
    learning_rate: Annotated[float, Field(gt=0)] = Field(3e-3, description="of the first epoch after the warm-up")
    final_learning_rate: Annotated[float, Field(gt=0)] = Field(3e-5, description="of the last epoch; a cosine between")
    quantise: Literal["aware", "latents", "post"] = Field(
        "aware",
        description="train with the formats, with float weights and sums but the latents' formats, or all in float; "
        "what was float is rounded after the training",
    )
    seeds: _Count = Field(
        1, description="trainings with this and the following seeds; the best by training.select wins"
    )
    average: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="decay per step of a moving average of the weights, which is what is kept; 0: none"
    )
    admixture: AdmixtureConfig | None = Field(None, description="default: none")
    distill: DistillConfig | None = Field(None, description="default: none")
    prune: PruneConfig | None = Field(None, description="default: nothing")
    trains: Literal["all", "encoder", "dense", "decoder"] = Field(
        "all", description="what retraining changes: dense is the encoder's dense layers and the decoder"
    )
    patience: _Count = Field(40, description="epochs without a better validation loss before training stops")


class HardwareConfig(Section):
    """The generated block, and the arithmetic that it computes in."""

    weights: Literal["nearest", "floor"] = Field(
        "nearest", description="float weights to integers: as trained, or floored as the published chip weights were"
    )
    accumulate: Literal["exact", "trn_each"] = Field(
        "exact", description="full-precision sums, or every product floored before it is added, as on the ECON-T"
    )
    elinks: Annotated[int, Field(ge=1, le=13)] | None = Field(
        None, description="output links; default: as few as hold all bits"
    )
    keep: Annotated[int | tuple[int, ...] | None, BeforeValidator(_check_keep)] = Field(
        None, description="leading bits sent of every latent, or a list with one number per latent; default: what fits"
    )
    registers: tuple[str, ...] | None = Field(
        None, description="pipeline registers, such as 'input' and 'conv0_act'; default: after every layer"
    )


class VerifyConfig(Section):
    """How much stimulus goes through the simulator, besides all corners."""

    real_events: _Events = Field(2_000, description="images of the data, report rows first")
    random_events: _Events = Field(500, description="random images")


class ReportConfig(Section):
    """The comparison."""

    elinks: Annotated[tuple[Annotated[int, Field(ge=1, le=13)], ...], Field(min_length=1)] = Field(
        (2, 3, 4, 5), description="output links for which the chip's other algorithms are shown"
    )
    experiment: str = Field("", max_length=40, description="name that plots carry inside their axes, in bold")
    origin: Literal["simulation", "detector"] = Field(
        "simulation", description="of events that were not generated here: plots of the first say Simulation"
    )

    @model_serializer(mode="wrap")
    def _without_default_labels(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Runs and searches that were made before there were labels keep their hashes.
        found: dict[str, Any] = handler(self)
        fields = type(self).model_fields
        return {k: v for k, v in found.items() if k not in {"experiment", "origin"} or v != fields[k].default}
