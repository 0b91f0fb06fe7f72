"""Rectified units that let a gradient pass where they are all silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framedream.nn.runtime import keras, tf


@tf.custom_gradient  # type: ignore[untyped-decorator]
def redirected_relu(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """A ReLU whose gradient, where none at all would pass it, pushes silent units up (lucid, Olah et al. 2017).

    Without that nothing could be found for a unit that is silent in the noise that one starts from.

    Args:
        x: Activations of any shape.
    """

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        usual = tf.where(x > 0, upstream, 0.0)
        # What is silent already is not pushed further down.
        redirect_relus = tf.where(tf.logical_or(x > 0, upstream > 0), upstream, 0.0)
        return tf.cond(tf.reduce_any(usual != 0), lambda: usual, lambda: redirect_relus)

    return tf.nn.relu(x), gradient


def redirect_relus(model: keras.Model) -> keras.Model:
    """A model that computes the same, with all its ReLUs redirected.

    Args:
        model: A functional model; ReLUs that are bounded above stay as they are.
    """

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config: dict[str, Any] = layer.get_config()
        if isinstance(layer, keras.layers.ReLU) and not _is_plain(layer):
            return type(layer).from_config(config)
        if isinstance(layer, keras.layers.ReLU):
            return keras.layers.Activation(redirected_relu, name=layer.name)
        copy = type(layer).from_config(config)
        if getattr(layer, "activation", None) is keras.activations.relu:
            copy.activation = redirected_relu
        return copy

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def _is_plain(layer: keras.layers.ReLU) -> bool:
    return layer.max_value is None and not layer.negative_slope and not layer.threshold
