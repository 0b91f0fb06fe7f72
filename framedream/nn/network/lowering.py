"""Turns a Keras network into fewer and cheaper operations with the same activations and gradients."""

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

_IMAGE_CHANNELS = 4
"""The most channels that an image has."""

_LINEAR, _RELU = keras.activations.linear, keras.activations.relu


def lower_network(model: keras.Model, matrix: np.ndarray, offset: np.ndarray, dtype: str = "float32") -> Forward:
    """Turn a network into a function of graph operations.

    The differences: the preprocessing becomes group of the first convolution; a ReLU before a max-pool moves behind
    it, to a quarter of the numbers; channels that are concatenated only to be convolved again stay separate where
    that costs less; the gradient of an image behind a strided convolution is a plain convolution. The model's own
    layers compute everything else.

    Args:
        model: A functional model in which every layer is called once; with another dtype than float32 its layers'
            policies become mixed ones.
        matrix: The preprocessing, 3×3: a pixel of the network's input is ``rgb @ matrix + offset``.
        offset: The offset of the preprocessing, 3.
        dtype: Type of number to compute in.
    """
    calls, separate = layer_calls(model), _unneeded_concatenations(model)
    if dtype != "float32":
        for layer in model.layers:
            layer.dtype_policy = keras.DTypePolicy(f"mixed_{dtype}")
    shift = (offset @ np.linalg.inv(matrix)).astype(np.float32)
    # The network pads with zeros of its own unit; without padding, differences between channels become a bias.
    # Adding one number to all channels is five times as fast as adding one to each.
    common = shift.mean() if np.ptp(shift) == 0 or _begins_without_padding(model) else shift
    rest = None if common is shift else shift - common

    def apply(operation: keras.Operation, *arguments: Any, **options: Any) -> _Channels:
        if _is_plain_convolution(operation):
            return _Channels([_Group(_convolve(operation, arguments[0], dtype), operation.activation is _RELU)])
        if _is_relu(operation):
            return _Channels([_Group(group.value, True) for group in arguments[0].groups])
        if isinstance(operation, keras.layers.MaxPooling2D):
            return _max_pool(operation, arguments[0])
        if isinstance(operation, keras.layers.Concatenate) and operation.name in separate:
            return _Channels([group for each in arguments[0] for group in each.groups])
        if isinstance(operation, keras.layers.ZeroPadding2D):
            return _zero_pad(operation, arguments[0])
        own = keras.tree.map_structure(lambda each: each.value if isinstance(each, _Channels) else each, arguments)
        return _Channels([_Group(tf.cast(operation(*own, **options), dtype))])

    def forward(images: tf.Tensor) -> list[tf.Tensor]:
        if dtype == "float16":
            images = _with_finite_gradient(images)
        start = _Channels([_Group(tf.cast(images + common, dtype), matrix=matrix, shift=rest)])
        values: dict[int, Any] = {id(model.inputs[0]): start}

        def known(each: Any) -> Any:
            return values.get(id(each), each)

        for call in calls:
            arguments, options = keras.tree.map_structure(known, (call.arguments, dict(call.options)))
            results = keras.tree.flatten(apply(call.layer, *arguments, **options))
            values.update(zip(map(id, call.outputs), results, strict=True))
        return [tf.cast(values[id(output)].value, tf.float32) for output in model.outputs]

    return forward


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _with_finite_gradient(images: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """Return images unchanged; their gradient is 0 where it exceeds the small range of float16."""
    return tf.identity(images), lambda upstream: tf.where(tf.math.is_finite(upstream), upstream, 0.0)


@dataclass
class _Group:
    """Some channels of a layer, with operations that are postponed.

    Attributes:
        raw: N×h×w×C, before the postponed operations.
        is_relu: Whether a ReLU is postponed.
        matrix: Postponed matrix that multiplies the channels, C×C.
        shift: Postponed addition before that, C.
    """

    raw: tf.Tensor
    is_relu: bool = False
    matrix: np.ndarray | None = None
    shift: np.ndarray | None = None

    @cached_property
    def value(self) -> tf.Tensor:
        """The channels after the postponed operations."""
        channels = self.raw
        if self.matrix is not None:
            channels = tf.nn.conv2d(
                channels, tf.constant(self.matrix[np.newaxis, np.newaxis], channels.dtype), 1, "VALID"
            )
        return tf.nn.relu(channels) if self.is_relu else channels


@dataclass
class _Channels:
    """A layer's output: groups of channels side by side."""

    groups: Sequence[_Group]

    @cached_property
    def value(self) -> tf.Tensor:
        """All channels in one tensor."""
        return self.groups[0].value if len(self.groups) == 1 else tf.concat([group.value for group in self.groups], -1)


def _convolve(layer: keras.layers.Conv2D, channels: _Channels, dtype: str) -> tf.Tensor:
    """Convolve group by group, and add up."""
    with tf.init_scope():
        kernel = np.asarray(layer.kernel)
        bias = np.asarray(layer.bias) if layer.use_bias else np.zeros(layer.filters, np.float32)
    strides, padding = tuple(layer.strides), layer.padding.upper()
    *ends, _ = np.cumsum([group.raw.shape[-1] for group in channels.groups])
    (first, taps), *rest = zip(channels.groups, np.split(kernel, ends, axis=2), strict=True)
    given = first.value if first.matrix is None else first.raw
    if first.matrix is not None:
        taps = np.einsum("ij,hwjo->hwio", first.matrix, taps)
    if first.shift is not None:
        bias = bias + np.einsum("i,hwio->o", first.shift, taps).astype(np.float32)
    if strides == (2, 2) and given.shape[-1] <= _IMAGE_CHANNELS and taps.shape[0] == taps.shape[1] and len(taps) % 2:
        result = strided_image_convolution(given, taps, bias, padding)
    else:
        result = tf.nn.conv2d(given, tf.constant(taps, dtype), strides, padding)
        result = tf.nn.bias_add(result, tf.constant(bias, dtype))
    for group, taps in rest:
        result += tf.nn.conv2d(group.value, tf.constant(taps, dtype), strides, padding)
    return result


def _max_pool(layer: keras.layers.MaxPooling2D, channels: _Channels) -> _Channels:
    options = layer.pool_size, layer.strides, layer.padding.upper()
    # The matrix decides which of the values is largest, so it cannot be postponed; a ReLU can.
    groups = [group if group.matrix is None else _Group(group.value) for group in channels.groups]
    return _Channels([_Group(tf.nn.max_pool2d(group.raw, *options), group.is_relu) for group in groups])


def _zero_pad(layer: keras.layers.ZeroPadding2D, channels: _Channels) -> _Channels:
    """Pad with zeros, which neither a ReLU nor a matrix changes."""
    padding = [[0, 0], *layer.padding, [0, 0]]
    return _Channels([_Group(tf.pad(group.raw, padding), group.is_relu, group.matrix) for group in channels.groups])


def _is_plain_convolution(operation: keras.Operation) -> bool:
    return (
        type(operation) is keras.layers.Conv2D
        and operation.groups == 1
        and tuple(operation.dilation_rate) == (1, 1)
        and operation.activation in (_LINEAR, _RELU)
    )


def _begins_without_padding(model: keras.Model) -> bool:
    """Whether only convolutions that do not pad it take the image."""
    start = next(layer.name for layer in model.layers if isinstance(layer, keras.layers.InputLayer))
    users = _users(model)[start]
    return all(_is_plain_convolution(user) and user.padding == "valid" for user in users)


def _is_relu(operation: keras.Operation) -> bool:
    if isinstance(operation, keras.layers.ReLU):
        return operation.max_value is None and operation.negative_slope == 0 and operation.threshold == 0
    return isinstance(operation, keras.layers.Activation) and operation.activation is _RELU


def _users(model: keras.Model) -> dict[str, list[keras.Operation]]:
    """The operations that take the outputs of each operation, by its name."""
    operations = {operation.name: operation for operation in model.operations}
    users: dict[str, list[keras.Operation]] = {}
    for name, sources in input_layers(model).items():
        for source in sources:
            users.setdefault(source, []).append(operations[name])
    return users


def _unneeded_concatenations(model: keras.Model) -> set[str]:
    """Concatenations whose groups cost less to convolve one by one and add up than to copy together."""
    users = _users(model)
    return {
        operation.name
        for operation in model.operations
        if isinstance(operation, keras.layers.Concatenate) and _is_cheaper_separate(operation, users)
    }


def _is_cheaper_separate(layer: keras.layers.Concatenate, users: dict[str, list[keras.Operation]]) -> bool:
    waiting, outputs = list(users.get(layer.name, [])), 0
    while waiting:
        user = waiting.pop()
        if isinstance(user, keras.layers.MaxPooling2D):
            waiting += users.get(user.name, [])
        elif _is_plain_convolution(user):
            outputs += user.filters
        else:
            return False
    # Separate: each group but the first reads two results and writes one. Together: copies there and back.
    return bool(3 * (len(layer.input) - 1) * outputs < 4 * layer.output.shape[-1])
