"""What is shown of dreams: through a mask, beside their footage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from framedream.errors import SettingsError
from framedream.jobs.masks import Dreamed, masked, open_mask
from framedream.media import ColorTags, Excerpt, FilmLike, FootageLike, Seen, Sound
from framedream.render.compare import comparing
from framedream.settings import Settings


def shown(
    settings: Settings, footage: FootageLike, mask_seen: Seen | None = None
) -> Callable[[Callable[..., Dreamed]], Dreamed]:
    """What makes of footage's dreams the frames of the film.

    Args:
        settings: What names the mask, and how both are compared.
        footage: What is dreamed of.
        mask_seen: What was seen of the mask before.

    Returns:
        See `framedream.jobs.masks.masked`.
    """
    return masked(open_mask(settings, footage.source.rate, mask_seen), footage, comparing(settings.output.compare))


def film_like(settings: Settings, footage: FootageLike) -> FilmLike:
    """The form of footage's film: that of the footage, or twice as wide where both are seen side by side.

    Args:
        settings: How they are compared.
        footage: What is dreamed of; what becomes of its sound later holds for the film too.
    """
    return _TwiceAsWide(footage) if settings.output.compare == "side" else footage


def check_alone(settings: Settings) -> None:
    """See that nothing is to be compared with footage where there is none.

    Raises:
        SettingsError: Something is.
    """
    if settings.output.compare != "none":
        raise SettingsError("compare: a zoom has no footage that it could be compared with; leave it out")


@dataclass(frozen=True)
class _TwiceAsWide:
    footage: FootageLike

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
    def extras(self) -> Excerpt | None:
        return self.footage.extras

    @property
    def sound(self) -> Sound | None:
        return self.footage.sound

    @property
    def last_duration(self) -> Fraction | None:
        return self.footage.last_duration
