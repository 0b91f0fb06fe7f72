"""The networks that can dream: their names and facts, known without TensorFlow."""

from __future__ import annotations

import re
from dataclasses import dataclass

from framedream.errors import SettingsError, nearest

DEFAULT_MODEL = "squeezenet"
"""The network that dreams if none is named."""

_KERAS = "framedream.nn.network.keras_applications:KerasApplication"


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """What is known of a network before TensorFlow is imported.

    Attributes:
        name: Its name in framedream.
        definition: Class that builds it, as ``module:class``; see `NetworkDefinition` in nn/network.
        default_layers: Layers to start with, as in ``a=1,b=0.5``: deep enough for figures to grow.
        parameters: Millions of weights, without the classifier.
        constructor: Name of its constructor in ``keras.applications``, for networks of Keras.
        preprocessing: Module of ``keras.applications`` with its preprocessing, for networks of Keras.
        size_multiple: The height and width of its input must be multiples of this many pixels.
        contrasting_layers: Layers that look different from each other and from the default layers, for previews.
        is_built_in: Whether its weights come with framedream.
        is_small: Whether its layers are too small to keep all cores of a processor busy.
        is_recommended: Whether it is a good one to begin with.
    """

    name: str
    definition: str
    default_layers: str
    parameters: float
    constructor: str = ""
    preprocessing: str = ""
    size_multiple: int = 1
    contrasting_layers: tuple[str, ...] = ()
    is_built_in: bool = False
    is_small: bool = False
    is_recommended: bool = False


def _keras(
    name: str,
    constructor: str,
    preprocessing: str,
    parameters: float,
    default_layers: str,
    *,
    recommended: bool = False,
    size_multiple: int = 1,
) -> ModelEntry:
    return ModelEntry(
        name=name,
        definition=_KERAS,
        default_layers=default_layers,
        parameters=parameters,
        constructor=constructor,
        preprocessing=preprocessing,
        size_multiple=size_multiple,
        is_recommended=recommended,
    )


_ENTRIES = (
    ModelEntry(
        name="squeezenet",
        definition="framedream.nn.network.squeezenet:SqueezeNet",
        default_layers="fire7",
        parameters=1.2,
        contrasting_layers=("fire3", "fire5_expand3x3", "fire6_expand1x1"),
        is_built_in=True,
        is_small=True,
        is_recommended=True,
    ),
    _keras(
        "inception_v3", "InceptionV3", "inception_v3", 21.8, "mixed2=0.2,mixed3=3,mixed4=2,mixed5=1.5", recommended=True
    ),
    _keras("vgg16", "VGG16", "vgg16", 14.7, "block4_conv1=0.05,block5_conv2=0.2", recommended=True),
    _keras("vgg19", "VGG19", "vgg19", 20.0, "block4_conv1=0.05,block5_conv2=0.2"),
    _keras("inception_resnet_v2", "InceptionResNetV2", "inception_resnet_v2", 54.3, "mixed_6a"),
    _keras("xception", "Xception", "xception", 20.9, "block8_sepconv2_act"),
    _keras("resnet50", "ResNet50", "resnet", 23.6, "conv4_block3_out"),
    _keras("resnet101", "ResNet101", "resnet", 42.7, "conv4_block12_out"),
    _keras("resnet152", "ResNet152", "resnet", 58.4, "conv4_block18_out"),
    _keras("resnet50_v2", "ResNet50V2", "resnet_v2", 23.6, "conv4_block3_out"),
    _keras("resnet101_v2", "ResNet101V2", "resnet_v2", 42.6, "conv4_block12_out"),
    _keras("resnet152_v2", "ResNet152V2", "resnet_v2", 58.3, "conv4_block18_out"),
    _keras("densenet121", "DenseNet121", "densenet", 7.0, "conv4_block12_concat"),
    _keras("densenet169", "DenseNet169", "densenet", 12.6, "conv4_block16_concat"),
    _keras("densenet201", "DenseNet201", "densenet", 18.3, "conv4_block24_concat"),
    _keras("mobilenet", "MobileNet", "mobilenet", 3.2, "conv_pw_8_relu"),
    _keras("mobilenet_v2", "MobileNetV2", "mobilenet_v2", 2.3, "block_8_expand_relu"),
    _keras("mobilenet_v3_small", "MobileNetV3Small", "mobilenet_v3", 0.9, "expanded_conv_5_add"),
    _keras("mobilenet_v3_large", "MobileNetV3Large", "mobilenet_v3", 3.0, "expanded_conv_8_add"),
    _keras("nasnet_mobile", "NASNetMobile", "nasnet", 4.3, "normal_concat_6", size_multiple=32),
    _keras("nasnet_large", "NASNetLarge", "nasnet", 84.9, "normal_concat_9", size_multiple=32),
    *(
        _keras(f"efficientnet_b{n}", f"EfficientNetB{n}", "efficientnet", millions, "block5a_expand_activation")
        for n, millions in enumerate((4.0, 6.6, 7.8, 10.8, 17.7, 28.5, 41.0, 64.1))
    ),
    *(
        _keras(
            f"efficientnet_v2_{size.lower()}",
            f"EfficientNetV2{size}",
            "efficientnet_v2",
            millions,
            "block5b_expand_activation",
        )
        for size, millions in {"B0": 5.9, "B1": 6.9, "B2": 8.8, "B3": 12.9, "S": 20.3, "M": 53.2, "L": 117.7}.items()
    ),
    *(
        _keras(
            f"convnext_{size.lower()}",
            f"ConvNeXt{size}",
            "convnext",
            millions,
            f"convnext_{size.lower()}_stage_2_block_{block}_identity",
        )
        for size, millions, block in (
            ("Tiny", 27.8, 4),
            ("Small", 49.5, 13),
            ("Base", 87.6, 13),
            ("Large", 196.2, 13),
            ("XLarge", 348.1, 13),
        )
    ),
)

MODELS = {entry.name: entry for entry in _ENTRIES}
"""Every known network by name; those built in come first."""


def find_model(name: str) -> ModelEntry:
    """Find a network by name; ``InceptionV3`` and ``inception-v3`` also find ``inception_v3``.

    Raises:
        SettingsError: No network has this name; the message names the nearest one.
    """
    folded = {re.sub(r"[^a-z0-9]", "", known): entry for known, entry in MODELS.items()}
    try:
        return folded[re.sub(r"[^a-z0-9]", "", name.lower())]
    except KeyError:
        raise SettingsError(f"model: no network is called '{name}'{nearest(name, MODELS)}") from None
