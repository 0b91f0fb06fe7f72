"""A Keras network as fewer and cheaper operations: the same activations, and the same gradient of the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from framedream.nn.network.graph import input_layers, layer_calls
from framedream.nn.network.strided_convolution import strided_image_convolution
from framedream.nn.runtime import keras, tf

Forward = Callable[[tf.Tensor], list[tf.Tensor]]
"""Activations of layers, each N×h×w×C float32, of images N×H×W×3 float32, RGB, in levels."""

_FEW = 4
"""Channels that an image has, at most."""

_LINEAR, _RELU = keras.activations.linear, keras.activations.relu


def lower_network(model: keras.Model, matrix: np.ndarray, offset: np.ndarray, dtype: str = "float32") -> Forward:
    """A network's outputs as graph operations.

    What is done differently: the preprocessing becomes part of the first convolution; a ReLU before a max-pool is
    taken after it, on a quarter of the numbers; channels that are put side by side only to be convolved again stay
    apart where that costs less; the gradient of an image behind a strided convolution is found by a plain one.
    Everything else is asked of the model's own layers.

    Args:
        model: A functional model in which every layer is called once; with another dtype than float32 its layers'
            policies become the mixed ones.
        matrix: The preprocessing, 3×3: a pixel of the network's input is ``rgb @ matrix + offset``.
        offset: The same, 3.
        dtype: What it computes in.
    """
    calls, apart = layer_calls(model), _staying_apart(model)
    if dtype != "float32":
        for layer in model.layers:
            layer.dtype_policy = keras.DTypePolicy(f"mixed_{dtype}")
    shift = (offset @ np.linalg.inv(matrix)).astype(np.float32)
    # The network pads with zeros of its own unit; without padding what differs between channels is a bias.
    # A number for all channels is added five times as fast as one for each.
    common = shift.mean() if np.ptp(shift) == 0 or _begins_without_padding(model) else shift
    rest = None if common is shift else shift - common

    def applied(operation: keras.Operation, *arguments: Any, **options: Any) -> _Seen:
        if _is_plain_convolution(operation):
            return _Seen([_Part(_convolved(operation, arguments[0], dtype), operation.activation is _RELU)])
        if _is_relu(operation):
            return _Seen([_Part(part.done, True) for part in arguments[0].parts])
        if isinstance(operation, keras.layers.MaxPooling2D):
            return _pooled(operation, arguments[0])
        if isinstance(operation, keras.layers.Concatenate) and operation.name in apart:
            return _Seen([part for each in arguments[0] for part in each.parts])
        if isinstance(operation, keras.layers.ZeroPadding2D):
            return _padded(operation, arguments[0])
        own = keras.tree.map_structure(lambda each: each.whole if isinstance(each, _Seen) else each, arguments)
        return _Seen([_Part(tf.cast(operation(*own, **options), dtype))])

    def forward(images: tf.Tensor) -> list[tf.Tensor]:
        if dtype == "float16":
            images = _with_finite_gradient(images)
        start = _Seen([_Part(tf.cast(images + common, dtype), matrix=matrix, shift=rest)])
        values: dict[int, Any] = {id(model.inputs[0]): start}

        def known(each: Any) -> Any:
            return values.get(id(each), each)

        for call in calls:
            arguments, options = keras.tree.map_structure(known, (call.arguments, dict(call.options)))
            results = keras.tree.flatten(applied(call.layer, *arguments, **options))
            values.update(zip(map(id, call.outputs), results, strict=True))
        return [tf.cast(values[id(output)].whole, tf.float32) for output in model.outputs]

    return forward


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _with_finite_gradient(images: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The same; where its gradient is beyond the range of float16, which is small, it is 0."""
    return tf.identity(images), lambda upstream: tf.where(tf.math.is_finite(upstream), upstream, 0.0)


@dataclass
class _Part:
    """Some channels of a layer.

    Attributes:
        raw: N×h×w×C, before what is still to be done to it.
        is_relu: Whether a ReLU is still to be taken.
        matrix: What channels are still to be multiplied by, if anything, C×C.
        shift: What is still to be added to them before that, if anything, C.
    """

    raw: tf.Tensor
    is_relu: bool = False
    matrix: np.ndarray | None = None
    shift: np.ndarray | None = None

    @cached_property
    def done(self) -> tf.Tensor:
        """With all that is to be done to it."""
        seen = self.raw
        if self.matrix is not None:
            seen = tf.nn.conv2d(seen, tf.constant(self.matrix[np.newaxis, np.newaxis], seen.dtype), 1, "VALID")
        return tf.nn.relu(seen) if self.is_relu else seen


@dataclass
class _Seen:
    """A layer's output: parts that stand side by side."""

    parts: Sequence[_Part]

    @cached_property
    def whole(self) -> tf.Tensor:
        """All channels in one tensor."""
        return self.parts[0].done if len(self.parts) == 1 else tf.concat([part.done for part in self.parts], -1)


def _convolved(layer: keras.layers.Conv2D, seen: _Seen, dtype: str) -> tf.Tensor:
    """Convolve part by part, and add up."""
    with tf.init_scope():
        kernel = np.asarray(layer.kernel)
        bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(layer.filters, np.float32)
    strides, padding = tuple(layer.strides), layer.padding.upper()
    *ends, _ = np.cumsum([part.raw.shape[-1] for part in seen.parts])
    (first, taps), *rest = zip(seen.parts, np.split(kernel, ends, axis=2), strict=True)
    given = first.done if first.matrix is None else first.raw
    if first.matrix is not None:
        taps = np.einsum("ij,hwjo->hwio", first.matrix, taps)
    if first.shift is not None:
        bias = bias + np.einsum("i,hwio->o", first.shift, taps).astype(np.float32)
    if strides == (2, 2) and given.shape[-1] <= _FEW and taps.shape[0] == taps.shape[1] and len(taps) % 2:
        result = strided_image_convolution(given, taps, bias, padding)
    else:
        result = tf.nn.conv2d(given, tf.constant(taps, dtype), strides, padding)
        result = tf.nn.bias_add(result, tf.constant(bias, dtype))
    for part, taps in rest:
        result += tf.nn.conv2d(part.done, tf.constant(taps, dtype), strides, padding)
    return result


def _pooled(layer: keras.layers.MaxPooling2D, seen: _Seen) -> _Seen:
    options = layer.pool_size, layer.strides, layer.padding.upper()
    # Which of some channels is largest depends on the matrix; whether it is above zero is asked after as well.
    parts = [part if part.matrix is None else _Part(part.done) for part in seen.parts]
    return _Seen([_Part(tf.nn.max_pool2d(part.raw, *options), part.is_relu) for part in parts])


def _padded(layer: keras.layers.ZeroPadding2D, seen: _Seen) -> _Seen:
    """Padded with zeros, which neither a ReLU nor a matrix changes."""
    padding = [[0, 0], *layer.padding, [0, 0]]
    return _Seen([_Part(tf.pad(part.raw, padding), part.is_relu, part.matrix) for part in seen.parts])


def _is_plain_convolution(operation: keras.Operation) -> bool:
    return (
        type(operation) is keras.layers.Conv2D
        and operation.groups == 1
        and tuple(operation.dilation_rate) == (1, 1)
        and operation.activation in (_LINEAR, _RELU)
    )


def _begins_without_padding(model: keras.Model) -> bool:
    """Whether a network sees an image by convolutions alone that do not pad it."""
    start = next(layer.name for layer in model.layers if isinstance(layer, keras.layers.InputLayer))
    users = _users(model)[start]
    return all(_is_plain_convolution(user) and user.padding == "valid" for user in users)


def _is_relu(operation: keras.Operation) -> bool:
    if isinstance(operation, keras.layers.ReLU):
        return operation.max_value is None and operation.negative_slope == 0 and operation.threshold == 0
    return isinstance(operation, keras.layers.Activation) and operation.activation is _RELU


def _users(model: keras.Model) -> dict[str, list[keras.Operation]]:
    """What takes what each operation gives, by its name."""
    operations = {operation.name: operation for operation in model.operations}
    users: dict[str, list[keras.Operation]] = {}
    for name, sources in input_layers(model).items():
        for source in sources:
            users.setdefault(source, []).append(operations[name])
    return users


def _staying_apart(model: keras.Model) -> set[str]:
    """Concatenations whose parts cost less to be convolved each, and added up, than to be copied there and back."""
    users = _users(model)
    return {
        operation.name
        for operation in model.operations
        if isinstance(operation, keras.layers.Concatenate) and _is_cheaper_apart(operation, users)
    }


def _is_cheaper_apart(layer: keras.layers.Concatenate, users: dict[str, list[keras.Operation]]) -> bool:
    waiting, outputs = list(users.get(layer.name, [])), 0
    while waiting:
        user = waiting.pop()
        if isinstance(user, keras.layers.MaxPooling2D):
            waiting += users.get(user.name, [])
        elif _is_plain_convolution(user):
            outputs += user.filters
        else:
            return False
    # For each part but the first all results are read, read and written; a copy is made forth and back.
    return bool(3 * (len(layer.input) - 1) * outputs < 4 * layer.output.shape[-1])
