"""The section of the decoder, and the layers of one that lists them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from econ_ae.config.sections import Section

_Count = Annotated[int, Field(ge=1)]
_Zeros = Annotated[int, Field(ge=0)]


class ChainLayerConfig(Section):
    """One layer of a decoder whose layers are all given, such as an imported one."""

    layer: Literal["dense", "conv", "conv-transpose", "scale", "reshape", "upsample", "crop", "activation"] = Field(
        description="what it is; 'scale' multiplies every channel by a number and adds another one"
    )
    units: _Count | None = Field(None, description="of dense: outputs; of convolutions: filters")
    kernel: tuple[_Count, _Count] = Field((3, 3), description="rows and columns of the kernel of convolutions")
    stride: tuple[_Count, _Count] = Field((1, 1), description="of convolutions; of upsample: how often to repeat")
    padding: Literal["same", "valid"] = Field("same", description="of convolutions")
    shape: tuple[_Zeros, ...] = Field(
        (), description="of reshape: rows, columns, channels; of crop: rows above and below, columns left and right"
    )
    function: Literal["relu", "leaky-relu", "elu", "selu", "softplus", "sigmoid", "tanh", "softmax"] = Field(
        "relu", description="of activation"
    )
    slope: Annotated[float, Field(ge=0)] = Field(0.0, description="of leaky-relu, below 0")


class DecoderConfig(Section):
    """The decoder off the detector: dense layers, then one value per trigger cell: directly, or by way of an image."""

    kind: Literal["dense", "conv", "graph", "unrolled", "chain"] = Field(
        "dense",
        description="'conv' draws the image by transposed convolutions, 'graph' on the hexagonal lattice of the cells, "
        "'unrolled' refines it step by step against what the encoder would have sent of it, 'chain' is made of the "
        "layers in decoder.chain",
    )
    chain: tuple[ChainLayerConfig, ...] = Field(
        (), description="of 'chain', first to last; ends with the encoder's image, or with a value per trigger cell"
    )
    hidden: tuple[_Count, ...] = Field(
        (256, 256), description="units of its hidden dense layers, first to last; one for every step of 'unrolled'"
    )
    residual: bool = Field(False, description="add its input to every hidden layer that is as wide as the one before")
    filters: Annotated[tuple[_Count, ...], Field(min_length=1)] = Field(
        (128, 64, 32), description="channels of the images of 'conv', smallest image first; each is twice as large"
    )
    units: _Count = Field(16, description="channels per cell of 'graph'")
    depth: _Count = Field(2, description="layers of 'graph', in each of which a cell sees two rings of neighbours")
    output: Literal["sigmoid", "softmax"] = Field(
        "sigmoid", description="a value per cell that is divided by the sum of all, or fractions that sum to 1"
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="share of hidden values dropped in training")
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        0.0, description="of the decoder's kernels, decoupled from the gradient: each step takes rate * this of them"
    )
    output_bias: float = Field(-3.5, description="start of the output bias; sigmoid(-3.5) is about 1/34 per cell")
    use_sum: bool = Field(False, description="also give the decoder the module sum that the frame carries")
    use_scale: bool = Field(
        False, description="also give the decoder the sum divided by the power of two that the normaliser divides by"
    )
    conditions: tuple[Literal["eta", "layer", "u", "v", "thickness", "log_sum"], ...] = Field(
        (),
        description="what else the decoder knows of the module, in this order, see docs/training.md; default: nothing",
    )
    conditioning: Literal["concat", "film"] = Field(
        "concat", description="conditions as more inputs, or as factors and offsets of the hidden layers"
    )

    @property
    def sum_columns(self) -> tuple[int, ...]:
        """Which columns of ``training.sample.sum_features`` the decoder gets besides the latents."""
        return (0,) * self.use_sum + (1,) * self.use_scale

    @field_validator("conditions", mode="after")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a condition is given twice; expected each once")
        return value
