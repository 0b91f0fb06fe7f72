"""ReLUs whose gradient passes where all units are silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from framedream.nn.runtime import keras, tf


@tf.custom_gradient  # type: ignore[untyped-decorator]
def redirected_relu(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """A ReLU whose gradient pushes silent units up where none at all would pass (lucid, Olah et al. 2017).

    Without it, the ascent could not leave the noise it starts from if that leaves the unit silent.

    Args:
        x: Activations of any shape.
    """

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        usual = tf.where(x > 0, upstream, 0.0)
        # Silent units are not pushed further down.
        redirected = tf.where(tf.logical_or(x > 0, upstream > 0), upstream, 0.0)
        return tf.cond(tf.reduce_any(usual != 0), lambda: usual, lambda: redirected)

    return tf.nn.relu(x), gradient


def redirect_relus(model: keras.Model) -> keras.Model:
    """Clone a model with all its ReLUs redirected; it computes the same.

    Args:
        model: A functional model; ReLUs with an upper bound stay unchanged.
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
