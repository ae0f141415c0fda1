"""An encoder that is read operation by operation, in whatever order a tool lays out its tensors.

What is between two layers is a *view*: for every element of the tensor, as the file has it, its index among the outputs
of the layer before (row, column, channel), or -1 for a zero that was put around. Transposing, reshaping and cutting off
change the view alone, and the next layer's weights are laid out by it. Factors are folded into weights; quantizers of
channels of their own become one format, since a channel's values may be kept multiplied by a power of two that the next
layer's weights take back. Nothing is approximated.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from econ_ae.app.imported.encoder import Encoder
from econ_ae.app.imported.encoder import Stage as Written
from econ_ae.app.imported.exact.cut import Cut, cut_to
from econ_ae.app.imported.exact.fit import Fitted, exact, fitted
from econ_ae.app.imported.exact.linear import Linear, ready
from econ_ae.app.imported.exact.reading import Reading, after
from econ_ae.app.imported.exact.views import image_of, per_unit, spread
from econ_ae.app.imported.stored import Array
from econ_ae.errors import ModelError
from econ_ae.fixedpoint import FixedFormat, IntArray, Overflow
from econ_ae.ir.model import same_padding


class Builder(Reading):
    """Takes operations first to last; ``finish`` gives the encoder.

    Parameters
    ----------
    found : an encoder without stages
    view : of the input, indices into its image (rows, columns, channels) flattened
    """

    def reshape(self, change: Callable[[IntArray], IntArray]) -> None:
        """Change the view."""
        self.view = change(self.view)

    def conv(self, one: Linear, *, channels_first: bool, same: bool = False) -> None:
        """Put a convolution behind what there is.

        Parameters
        ----------
        one : kernel (rows, columns, channels, filters); its padding is added to zeros that are around already
        channels_first : how the tensor is laid out
        same : pad as TensorFlow's 'same' does
        """
        self._settle()
        where = f"layer {one.name!r}"
        image = image_of(self.view, self._shape, where, channels_first=channels_first)
        if self._dead.any():
            raise ModelError(f"{where}: some pixels of its input have no bits and others have; expected one width each")
        stride = one.stride or (1, 1)
        assert one.stride is not None
        size = [n + sum(p) for n, p in zip((image.rows, image.cols), image.padding, strict=True)]
        own = one.padding
        if same:
            pads = [same_padding(n, k, s) for n, k, s in zip(size, one.kernel.shape[:2], stride, strict=True)]
            own = (pads[0], pads[1])
        (top, bottom), (left, right) = ((a + c, b + d) for (a, b), (c, d) in zip(image.padding, own, strict=True))
        one.padding = ((top, bottom), (left, right))
        if one.kernel.shape[2] != len(image.channels):
            raise ModelError(
                f"{where}: a kernel of {one.kernel.shape} meets an image of {len(image.channels)} channels"
            )
        kernel = np.zeros_like(one.kernel)
        kernel[:, :, image.channels] = one.kernel
        one.kernel = kernel
        if image.turned:
            one.kernel, one.stride = one.kernel.transpose(1, 0, 2, 3), (stride[1], stride[0])
            one.padding = (one.padding[1], one.padding[0])
        one.kernel = one.kernel * 2.0 ** self._scale[:, None]
        self._put(one, turned=image.turned, channels_first=channels_first)

    def dense(self, one: Linear) -> None:
        """Put a dense layer, kernel (inputs, units) in the order of the tensor, behind what there is."""
        self._settle()
        flat = self.view.reshape(-1)
        if one.kernel.ndim != 2 or one.kernel.shape[0] != flat.size:
            raise ModelError(f"layer {one.name!r}: a kernel of {one.kernel.shape} meets {flat.size} values")
        kernel = np.zeros((math.prod(self._shape), one.kernel.shape[1]))
        there = (flat >= 0) & ~self._dead[flat]
        np.add.at(kernel, flat[there], one.kernel[there])
        units = np.arange(len(kernel)) % len(self._scale)
        one.kernel = kernel * 2.0 ** self._scale[units, None]
        self._put(one)

    def affine(self, name: str, factor: Array, offset: Array, declared: FixedFormat | None = None) -> None:
        """Multiply and add constants, which broadcast to the tensor.

        Parameters
        ----------
        declared : format of the offset, where the file gives one
        """
        try:
            factor, offset = (np.broadcast_to(value, self.view.shape) for value in (factor, offset))
        except ValueError:
            raise ModelError(
                f"layer {name!r}: constants of {factor.shape} and {offset.shape} meet a tensor of {self.view.shape}"
            ) from None
        if np.all(factor == 1) and not offset.any():
            return
        if np.any(offset[self.view < 0]):
            raise ModelError(f"layer {name!r} adds to zeros that were put around an image, which has no integer form")
        view = self._filled(offset)
        by_unit = [per_unit(value, view, self._units) for value in (factor, offset)]
        if any(value is None for value in by_unit):
            raise ModelError(
                f"layer {name!r}: its constants differ from pixel to pixel; expected one per channel, as the block has"
            )
        own, add = (np.asarray(value, np.float64) for value in by_unit)
        if self._waiting is None and not add.any() and np.all(own > 0) and np.all(np.frexp(own)[0] == 0.5):
            self._scale = self._scale + (np.frexp(own)[1] - 1)
            return
        if self._waiting is None or (self._relu and (add.any() or np.any(own <= 0))):
            self._settle()
            self._identity(name)
        assert self._waiting is not None
        self._waiting.scaled(own)
        if declared is not None and not self._waiting.bias.any():
            self._waiting.declared_bias = declared
        self._waiting.bias = self._waiting.bias + add
        self._waiting.folded.append(repr(name))

    def relu(self) -> None:
        """Put a ReLU behind what there is."""
        if self._waiting is not None:
            self._relu = True
        elif self._fmt.signed:
            last = self.found.stages[-1]
            if last.overflow is Overflow.WRAP:
                self._identity(f"{last.name}, ReLU")
                self._relu = True
                return
            last.relu = True
            last.out = self._fmt = FixedFormat(False, self._fmt.width - 1, self._fmt.fraction)

    def cut(self, q: Cut) -> None:
        """Put a quantizer behind what there is.

        Raises
        ------
        ModelError
            When it has no integer form; names the layer and says why.
        """
        if self._waiting is None:
            if self._keeps(q):
                return
            self.found.say(f"{q.name!r} quantizes what has its values already: a layer with weights 1 does that here")
            self._identity(q.name)
        assert self._waiting is not None
        ready(self._waiting, self._fmt, self.found.choice)
        low, high, _ = (spread(value, self.view) for value in (q.low, q.high, q.fraction))
        dead = np.zeros(math.prod(self._shape), bool)
        dead[self.view[(low == 0) & (high == 0) & (self.view >= 0)]] = True
        ranges = self._ranges(q, dead)
        if ranges is None:
            self._settle_unchanged(q)
            return
        self._write(fitted(self._waiting, self._fmt, q, ranges, relu=self._relu))
        self._dead = dead & ~np.tile(np.array(ranges.dead), dead.size // self._units)

    def finish(self) -> Encoder:
        """Return the encoder; what the last layer gives, in the order of the tensor, are the latents."""
        choice = self.found.choice
        if self._waiting is not None and choice.latent is not None:
            self.cut(cut_to(self._waiting.name, FixedFormat.parse(choice.latent)))
        self._settle(last=True)
        if not self.found.stages:
            raise ModelError("the model has no layer with weights; expected convolutions and dense layers")
        order = self.view.reshape(-1)
        if np.any(order < 0) or len(set(order.tolist())) != len(order) or np.any(self._dead[order]):
            raise ModelError("its outputs repeat values, or are zeros; expected what the last layer gives")
        last = self.found.stages[-1]
        if last.conv:
            self._identity(f"{last.name}, flat", flat=True)
            self._settle(last=True)
            order, last = np.arange(len(order)), self.found.stages[-1]
        last.kernel, last.bias, self._scale = last.kernel[:, order], last.bias[order], self._scale[order]
        self._shape, self.view = (len(order),), np.arange(len(order))
        if len(set(self._scale.tolist())) > 1:
            self._identity(f"{last.name}, one unit")
            self._settle(last=True)
            last = self.found.stages[-1]
        self._in_unit_of_the_values(last)
        self.found.shape = self._shape
        return self.found

    def _in_unit_of_the_values(self, last: Written) -> None:
        """Multiply the last layer by the power of two by which its values are kept smaller."""
        scale = int(self._scale[0])
        if scale:
            last.kernel, last.bias = last.kernel * 2.0**scale, last.bias * 2.0**scale
            assert last.out is not None
            last.weight, last.bias_format, last.out = (
                FixedFormat(fmt.signed, fmt.width, fmt.fraction - scale)
                for fmt in (last.weight, last.bias_format, last.out)
            )

    def _settle(self, *, last: bool = False) -> None:
        """Keep the sums of a layer that no quantizer follows whole, or round them as was asked for."""
        one, text = self._waiting, self.found.choice.activation
        if one is None:
            return
        if text is not None and not last:
            self.cut(cut_to(one.name, FixedFormat.parse(text)))
            return
        ready(one, self._fmt, self.found.choice)
        done = exact(one, self._fmt, relu=self._relu)
        self.found.say(f"layer {one.name!r} is followed by no quantizer: its sums are kept whole, as {done.out}")
        self._write(done)
        self._dead = np.zeros(math.prod(self._shape), bool)

    def _identity(self, name: str, *, flat: bool = False) -> None:
        """Put a layer behind the last one that multiplies its values by 1, so that they can be quantized again."""
        if self._dead.any():
            raise ModelError(
                f"layer {name!r}: some pixels before it have no bits and others have; expected one width each"
            )
        kernel = np.eye(self._units) * 2.0 ** self._scale[:, None]
        if len(self._shape) == 3 and not flat:
            one = Linear(name, kernel[None, None], np.zeros(self._units), (1, 1), fixed=True)
        else:
            values = np.tile(self._scale, math.prod(self._shape) // self._units)
            one = Linear(name, np.eye(len(values)) * 2.0 ** values[:, None], np.zeros(len(values)), fixed=True)
            if flat:
                one.kernel = one.kernel[:, self.view.reshape(-1)]
                one.bias = one.bias[: one.kernel.shape[1]]
        kept = self.view
        self._waiting, self._before, self._relu = one, self._shape, False
        if one.stride is None:
            self._shape = (one.kernel.shape[1],)
        self._scale = np.zeros(self._units, np.int64)
        if not flat:
            self.view = kept

    def _put(self, one: Linear, *, turned: bool = False, channels_first: bool = False) -> None:
        self._before = self._shape
        if one.stride is None:
            self._shape = (one.kernel.shape[1],)
            self.view = np.arange(one.kernel.shape[1])
        else:
            self._shape = after(one, self._before)
            self.view = np.arange(math.prod(self._shape)).reshape(self._shape)
            self.view = self.view.transpose(1, 0, 2) if turned else self.view
            self.view = self.view.transpose(2, 0, 1) if channels_first else self.view
        self._waiting, self._relu = one, False
        self._scale = np.zeros(self._units, np.int64)
        self._dead = np.zeros(math.prod(self._shape), bool)

    def _settle_unchanged(self, q: Cut) -> None:
        """Leave a quantizer out that differs from pixel to pixel, if it changes no sum."""
        one = self._waiting
        assert one is not None
        self._write(exact(one, self._fmt, relu=self._relu))
        if not self._keeps(q):
            raise ModelError(
                f"layer {one.name!r}: quantizer {q.name!r} has other bits from pixel to pixel of one channel, and "
                "rounds or overflows; the block has one format per layer: expected one width per channel"
            )

    def _write(self, done: Fitted) -> None:
        one = self._waiting
        assert one is not None
        step, bias_step = 2.0**-done.weights.weight.fraction, 2.0**-done.weights.bias_format.fraction
        stage = Written(
            one.name,
            np.asarray(done.weights.kernel * step, np.float64),
            np.asarray(done.weights.bias * bias_step, np.float64),
            done.weights.weight,
            done.weights.bias_format,
            one.stride or 0,
            one.padding,
            relu=done.relu,
            out=done.out,
            rounding=done.rounding,
            overflow=done.overflow,
        )
        if one.stride is not None:
            same = [
                same_padding(n, k, s)
                for n, k, s in zip(self._before[:2], one.kernel.shape[:2], one.stride, strict=True)
            ]
            stage.same = list(one.padding) == same
        self.found.stages.append(stage)
        self._fmt, self._scale, self._waiting, self._relu = done.out, np.asarray(done.scale), None, False
        if done.again is not None:
            view = self.view
            self._identity(f"{one.name}, overflow")
            assert self._waiting is not None
            self._waiting.scaled(np.array(done.again.factor) * 2.0 ** -np.array(done.scale, np.float64))
            self.found.say(
                f"layer {one.name!r}: its outputs have {done.again.why}: a layer one to one behind it does that here"
            )
            second = exact(self._waiting, self._fmt, relu=False, out=done.again.out, overflow=done.again.overflow)
            self._write(second)
            self._scale, self.view = np.array(done.scale) - np.array(done.again.back), view
