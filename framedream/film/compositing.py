"""What is shown of dreams: through a mask, beside their footage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from framedream.config.settings import Settings
from framedream.errors import SettingsError
from framedream.film.masks import DreamedFrames, masked_composer, open_mask
from framedream.media import ColorTags, FilmProperties, FootageProtocol, FrameIndex, Sound, TimeRange
from framedream.render.comparison import comparison_of


def composed_frames(
    settings: Settings, footage: FootageProtocol, mask_seen: FrameIndex | None = None
) -> Callable[[Callable[..., DreamedFrames]], DreamedFrames]:
    """What makes of footage's dreams the frames of the film.

    Args:
        settings: What names the mask, and how both are compared.
        footage: What is dreamed of.
        mask_seen: What was seen of the mask before.

    Returns:
        See `framedream.film.masks.masked_composer`.
    """
    return masked_composer(
        open_mask(settings, footage.source.rate, mask_seen), footage, comparison_of(settings.output.compare)
    )


def film_properties(settings: Settings, footage: FootageProtocol) -> FilmProperties:
    """The form of footage's film: that of the footage, or twice as wide where both are seen side by side.

    Args:
        settings: How they are compared.
        footage: What is dreamed of; what becomes of its sound later holds for the film too.
    """
    return _TwiceAsWide(footage) if settings.output.compare == "side" else footage


def check_no_comparison(settings: Settings) -> None:
    """See that nothing is to be compared with footage where there is none.

    Raises:
        SettingsError: Something is.
    """
    if settings.output.compare != "none":
        raise SettingsError("compare: a zoom has no footage that it could be compared with; leave it out")


@dataclass(frozen=True)
class _TwiceAsWide:
    footage: FootageProtocol

    @property
    def width(self) -> int:
        return 2 * self.footage.width

    @property
    def height(self) -> int:
        return self.footage.height

    @property
    def rate(self) -> Fraction | None:
        return self.footage.rate

    @property
    def time_base(self) -> Fraction:
        return self.footage.time_base

    @property
    def sample_aspect(self) -> Fraction:
        return self.footage.sample_aspect

    @property
    def color(self) -> ColorTags:
        return self.footage.color

    @property
    def depth(self) -> int:
        return self.footage.depth

    @property
    def has_alpha(self) -> bool:
        return self.footage.has_alpha

    @property
    def extras(self) -> TimeRange | None:
        return self.footage.extras

    @property
    def sound(self) -> Sound | None:
        return self.footage.sound

    @property
    def last_duration(self) -> Fraction | None:
        return self.footage.last_duration
