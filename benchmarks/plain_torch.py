"""DeepDream as the best-known project in PyTorch runs it, for comparison only.

A Python loop over a pyramid and its steps, eager, NCHW, float32 (gordicaleksa/pytorch-deepdream,
https://github.com/gordicaleksa/pytorch-deepdream). Each step rolls the picture by a random shift, blurs the gradient by
three Gaussians that widen from step to step, and divides it by its standard deviation. The network, its layers
and the pyramid's sizes are framedream's; no motion is followed: every frame is dreamed alone.

    pip install "framedream[benchmarks]"
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from framedream.config.settings import DreamSettings

_MEAN = np.float32([103.939, 116.779, 123.68])
_POOLED = ("conv1", "fire3", "fire5")
_KERNEL = 9
"""Size of the project's blur."""

_SHIFT = 32
"""The largest shift that it rolls by."""


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1 with the weights that are built in, cut behind the deepest of some layers."""

    def __init__(self, layers: Sequence[str]) -> None:
        """Load the weights.

        Args:
            layers: Whose activations are wanted: ``conv1``, ``fire2`` to ``fire9``, and the pools behind them.
        """
        super().__init__()
        weights = resources.files("framedream.nn.network").joinpath("pretrained/squeezenet_v1.1.npz")
        with weights.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            kept = {name: torch.from_numpy(stored[name].astype(np.float32)) for name in stored.files}
        self._layers, self._stages = layers, nn.ModuleDict()
        for name in ("conv1", *(f"fire{number}" for number in range(2, 10))):
            self._stages[name] = _Convolution(kept, name, 2) if name == "conv1" else _Fire(kept, name)
            if name in _POOLED:
                self._stages[f"pool{name[-1]}"] = nn.MaxPool2d(3, 2)
            if set(layers) <= self._stages.keys():
                break

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Activations of the layers, N×C×h×w, of N×3×H×W: BGR levels less their mean."""
        found = {}
        for name, stage in self._stages.items():
            images = found[name] = stage(images)
        return [found[name] for name in self._layers]


class _Convolution(nn.Module):
    """A convolution that pads as TensorFlow's "same" does, with its ReLU."""

    def __init__(self, weights: dict[str, torch.Tensor], name: str, stride: int = 1) -> None:
        super().__init__()
        kernel = weights[f"{name}/kernel"].permute(3, 2, 0, 1).contiguous()
        self.kernel = nn.Parameter(kernel, requires_grad=False)
        self.bias = nn.Parameter(weights[f"{name}/bias"], requires_grad=False)
        self._stride = stride

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        size = self.kernel.shape[-1]
        if self._stride == 1:
            return functional.relu(functional.conv2d(images, self.kernel, self.bias, padding=size // 2))
        # Where a stride leaves an odd pixel over, TensorFlow pads it behind.
        missing = [(-(-side // self._stride) - 1) * self._stride + size - side for side in images.shape[:1:-1]]
        padding = [amount for side in missing for amount in (max(side, 0) // 2, max(side, 0) - max(side, 0) // 2)]
        return functional.relu(
            functional.conv2d(functional.pad(images, padding), self.kernel, self.bias, stride=self._stride)
        )


class _Fire(nn.Module):
    """A squeeze, and two convolutions of it beside each other."""

    def __init__(self, weights: dict[str, torch.Tensor], name: str) -> None:
        super().__init__()
        self.squeeze = _Convolution(weights, f"{name}/squeeze1x1")
        self.branches = nn.ModuleList(_Convolution(weights, f"{name}/expand{size}x{size}") for size in (1, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        squeezed = self.squeeze(images)
        return torch.cat([branch(squeezed) for branch in self.branches], 1)


class TorchLoop:
    """The project's loop around the built-in network."""

    def __init__(self, settings: DreamSettings) -> None:
        """Load the network.

        Args:
            settings: Layers, step size and seed.
        """
        self.network = SqueezeNet([name for name, _ in settings.layers])
        self._weights, self._step_size = [weight for _, weight in settings.layers], settings.step_size
        self._shifts = np.random.default_rng(settings.random_seed)

    def dream(self, frame: np.ndarray, sizes: Sequence[tuple[int, int]], steps: int) -> np.ndarray:
        """Dream a frame.

        The project enlarges the whole picture from one size to the next, and puts no detail back.

        Args:
            frame: H×W×3 float32, RGB, in levels.
            sizes: Height and width of each octave, smallest first.
            steps: Gradient steps at each.

        Returns:
            H×W×3 float32 in levels.
        """
        picture = frame[..., ::-1] - _MEAN
        low, high = (torch.from_numpy(bound - _MEAN).reshape(1, 3, 1, 1) for bound in (np.float32(0), np.float32(255)))
        for height, width in sizes:
            picture = cv2.resize(picture, (width, height))
            image = torch.from_numpy(picture.transpose(2, 0, 1)[np.newaxis].copy())
            for step in range(steps):
                shift = tuple(self._shifts.integers(-_SHIFT, _SHIFT + 1, 2).tolist())
                image = torch.roll(image, shift, (2, 3))
                image = torch.clamp(image + self._step_size * self._direction(image, (step + 1) / steps), low, high)
                image = torch.roll(image, (-shift[0], -shift[1]), (2, 3))
            picture = image[0].numpy().transpose(1, 2, 0)
        return np.clip((picture + _MEAN)[..., ::-1], 0, 255)

    def _direction(self, image: torch.Tensor, share: float) -> torch.Tensor:
        """The blurred gradient over its standard deviation; ``share`` of the steps are then taken."""
        image = image.detach().requires_grad_()
        parts = zip(self._weights, self.network(image), strict=True)
        loss = torch.stack([weight * functional.mse_loss(each, torch.zeros_like(each)) for weight, each in parts]).sum()
        loss.backward()
        assert image.grad is not None
        smooth = _blurred(image.grad, share * 2 + 0.5)
        return smooth / smooth.std()


def _blurred(gradient: torch.Tensor, sigma: float) -> torch.Tensor:
    """The sum of three Gaussian blurs, of half, one and two sigmas.

    The project convolves three times; one convolution with the sum of the kernels is the same, and sooner done.
    """
    offsets = torch.arange(_KERNEL) - _KERNEL // 2
    lines = [torch.exp(-((offsets / (factor * sigma)) ** 2) / 2) for factor in (0.5, 1, 2)]
    kernel = sum(torch.outer(line, line) / line.sum() ** 2 for line in lines)
    padded = functional.pad(gradient, [_KERNEL // 2] * 4, mode="reflect")
    return functional.conv2d(padded, kernel.expand(3, 1, -1, -1), groups=3)
