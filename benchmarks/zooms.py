"""How well zooms loop, and how long they stay sharp.

    python -m benchmarks.zooms loops [--seconds 8] [--size 320x240] [--constructions]
    python -m benchmarks.zooms endless [--frames 1001] [--size 320x240]
    python -m benchmarks.zooms rates [--seconds 4]
    python -m benchmarks.zooms filters

``loops`` makes loops of three stills and three motions, and prints the mean difference of the last
frame, moved on by one step, to the first; the median of the same for neighbouring frames; and their
ratio, the loop closure. With ``--constructions`` it compares three ways to close a loop. ``endless``
prints how sharp the last frame is against frame 50, and how far its mean color is off. ``rates``
dreams nothing, so that the picture can be found again: where it is seen at 25 and 60 frames per
second, in pixels apart. ``filters`` prints how far OpenCV's filters, and the one in use, move what is
coarse, against what they were asked for.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from framedream.config.parsing import parse_size
from framedream.config.settings import Settings
from framedream.media import read_image, resize_to_fill
from framedream.motion.cubic_spline import sample_spline
from framedream.nn.ascent.dreamer import Dream, Dreamer
from framedream.render.state_store import is_shared, transition_name
from framedream.render.zoom import transition
from framedream.render.zoom.camera_path import CameraPath
from framedream.render.zoom.similarity import Similarity, distance_inside, resample
from framedream.render.zoom.zoom_renderer import BlendTransition, ZoomRenderer, render_zoom
from framedream.render.zoom.zoom_spec import ZoomSpec

STILLS = ("china.jpg", "astronaut.png", "hubble.jpg")

MOTIONS: dict[str, dict[str, object]] = {
    "in": {"zoom": 1.3},
    "out": {"zoom": 1 / 1.3},
    "turned": {"zoom": 1.2, "rotate": 20.0, "pan": (0.03, 0.0)},
}

_PULL = 0.15
"""Share of the lap before in each frame of an orbit."""

_LAPS = 3


class Kept:
    """A store in memory; frames that are delivered are forgotten."""

    def __init__(self) -> None:
        self.kept: dict[str, Mapping[str, np.ndarray]] = {}

    def load(self, name: str) -> Mapping[str, np.ndarray] | None:
        """What was kept."""
        return self.kept.get(name)

    def save(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep it, if it is needed again."""
        if is_shared(name) or name.startswith(transition_name(0).split("-")[0]):
            self.kept[name] = arrays


class Orbit(ZoomRenderer):
    """Another way to close a loop: lap after lap, each drawn towards the one before, until they are the same."""

    lap: list[np.ndarray]

    def blend_at(self, number: int) -> BlendTransition | None:
        """Each frame has some of that of the lap before."""
        if not self.lap:
            return None
        goal = self.lap[number]
        return lambda seed: (seed + _PULL * (goal - seed), np.ones(seed.shape[:2], np.float32))


def still(name: str, width: int, height: int) -> np.ndarray:
    """A sample still that fills a size."""
    return resize_to_fill(read_image(Path("samples") / name), width, height)


def fall_into(name: str, settings: Settings, seconds: Fraction, rate: int, loop: bool) -> ZoomSpec:
    """A zoom into a sample still."""
    width, height = settings.footage.size or (320, 240)
    camera_path = CameraPath(lambda _: settings.zoom, width, height, seconds)
    return ZoomSpec([still(name, width, height)], round(seconds * rate), Fraction(rate), camera_path, loop)


def frames(fall: ZoomSpec, dreamer: Dreamer, settings: Settings) -> Iterator[np.ndarray]:
    """The frames of a zoom, in levels."""
    for frame in render_zoom(fall, 0, fall.frames, dreamer, lambda _: settings, Kept()):
        if frame is not None:
            yield frame.pixels


def difference(one: np.ndarray, other: np.ndarray, way: Similarity) -> float:
    """Mean absolute difference of a frame to the one before it, moved here, where both are seen; in 8-bit levels."""
    seen = distance_inside(one.shape, way) >= 2
    change = resample(np.rint(one), way) - np.rint(other)
    return float(np.abs(change).mean(2)[seen].mean())


def closure(film: list[np.ndarray], fall: ZoomSpec) -> tuple[float, float, float]:
    """The difference of the last frame to the first, the median of neighbouring frames, and the largest of these."""
    steps = [difference(film[n], film[n + 1], fall.transform(n, n + 1)) for n in range(len(film) - 1)]
    last = difference(film[-1], film[0], fall.transform(len(film) - 1, len(film)))
    return last, float(np.median(steps)), max(steps)


def sharpness(picture: np.ndarray) -> tuple[float, float]:
    """Mean gradient magnitude, and energy of what a blur of 1.5 pixels takes away."""
    light = picture.mean(2)
    across, down = np.diff(light, axis=1)[:-1], np.diff(light, axis=0)[:, :-1]
    fine = light - cv2.GaussianBlur(light, (0, 0), 1.5)
    return float(np.hypot(across, down).mean()), float(np.mean(fine**2))


def loops(arguments: argparse.Namespace) -> None:
    """Print the closure of nine loops."""
    ways = ("framedream", "fade only", "no loop") if arguments.constructions else ("framedream",)
    print("still          motion   way          last  median  largest   ratio")
    for name in arguments.stills:
        for motion in arguments.motions:
            for way in ways:
                settings = Settings.of(size=arguments.size, **MOTIONS[motion])
                fall = fall_into(name, settings, Fraction(arguments.seconds), 25, way != "no loop")
                with fading() if way == "fade only" else contextlib.nullcontext():
                    film = list(frames(fall, Dreamer(settings.dream), settings))
                last, median, largest = closure(film, fall)
                _tell(name, motion, way, last, median, largest)
            if arguments.constructions:
                orbit(name, motion, arguments)


def _tell(name: str, motion: str, way: str, last: float, median: float, largest: float) -> None:
    figures = f"{last:5.2f}  {median:6.2f}  {largest:7.2f}  {last / median:6.2f}"
    print(f"{name:14s} {motion:8s} {way:11s} {figures}", flush=True)


@contextlib.contextmanager
def fading() -> Iterator[None]:
    """What is to be met fades in everywhere at once, in two seconds, and never grows into the frame."""
    usual, transition.MAX_INITIAL_SHARE = transition.MAX_INITIAL_SHARE, -1.0
    yield
    transition.MAX_INITIAL_SHARE = usual


def orbit(name: str, motion: str, arguments: argparse.Namespace) -> None:
    """The same for a loop closed by laps."""
    settings = Settings.of(size=arguments.size, **MOTIONS[motion])
    fall = fall_into(name, settings, Fraction(arguments.seconds), 25, False)
    chain = Orbit(fall, Dreamer(settings.dream), lambda _: settings, Kept())
    chain.lap = []
    state = chain.dreamed(0, None)
    for lap in range(1, _LAPS + 1):
        film = [state.frame_state.dream]
        for number in range(1, fall.frames):
            state = chain.dreamed(number, state)
            film.append(state.frame_state.dream)
        shown = [chain.padded_frame.crop(picture) for picture in film]
        last, median, largest = closure(shown, fall)
        _tell(name, motion, f"orbit lap {lap}", last, median, largest)
        chain.lap = film
        way = chain.padded_frame.transform(fall.frames - 1, fall.frames)
        state = chain.dream_next(0, state, way, lambda: chain.lap[0], chain.blend_at(0), is_measured=True)


def endless(arguments: argparse.Namespace) -> None:
    """Print what becomes of sharpness and color."""
    print("still          motion   gradient   fine   color (largest difference of a channel's mean, in levels)")
    for name in arguments.stills:
        for motion in arguments.motions:
            settings = Settings.of(size=arguments.size, **MOTIONS[motion])
            fall = fall_into(name, settings, Fraction(arguments.frames, 25), 25, False)
            for number, frame in enumerate(frames(fall, Dreamer(settings.dream), settings)):
                if number == 50:
                    early = frame
            (gradient, fine), (gradient_before, fine_before) = sharpness(frame), sharpness(early)
            color = np.abs(frame.mean((0, 1)) - early.mean((0, 1))).max()
            print(
                f"{name:14s} {motion:8s} {gradient / gradient_before:8.2f}  {fine / fine_before:5.2f}  {color:6.2f}",
                flush=True,
            )


class Nothing:
    """Dreams nothing."""

    def dream(self, image: np.ndarray, settings: object = None, **_: object) -> Dream:
        """The image itself."""
        return Dream(image, (0.0,), (0,))

    def strength(self, image: np.ndarray, settings: object = None) -> float:
        """Nothing is known of it."""
        return 0.0


def rates(arguments: argparse.Namespace) -> None:
    """Print how far apart the picture is at 25 and at 60 frames per second, at the worst of all seconds."""
    print("still          motion   25 against 60 fps, mean shift in pixels")
    width, height = arguments.size
    grain = np.random.default_rng(1).standard_normal((height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(grain, (0, 0), 5)
    pictures = {"grain": 127 + 40 * soft / soft.std()} | {name: still(name, width, height) for name in arguments.stills}
    for name, picture in pictures.items():
        for motion in arguments.motions:
            settings = Settings.of(color="free", **MOTIONS[motion])
            length = Fraction(arguments.seconds + 1)
            camera_path = CameraPath(lambda _, rates=settings.zoom: rates, width, height, length)  # type: ignore[misc]
            ends = {}
            for rate in (25, 60):
                fall = ZoomSpec([picture], int(length) * rate, Fraction(rate), camera_path, False)
                film = frames(fall, Nothing(), settings)  # type: ignore[arg-type]
                ends[rate] = [frame for number, frame in enumerate(film) if number and number % rate == 0]
            apart = 0.0
            for second, (one, other) in enumerate(zip(ends[25], ends[60], strict=True), 1):
                way = camera_path.between(Fraction(0), Fraction(second))
                apart = max(apart, _apart(one, other, distance_inside(picture.shape, way) > 4))
            print(f"{name:14s} {motion:8s} {apart:17.2f}", flush=True)


def _apart(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """The mean shift by the affine map that fits one picture to another best (Evangelidis and Psarakis 2008)."""
    gray = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (one, other)]
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 300, 1e-7)
    start, mask = np.eye(2, 3, dtype=np.float32), where.astype(np.uint8)
    _, found = cv2.findTransformECC(*gray, start, cv2.MOTION_AFFINE, criteria, mask, 5)
    y, x = np.nonzero(where)
    points = np.stack([x, y, np.ones_like(x)])
    return float(np.hypot(*(found @ points - points[:2])).mean())


def filters(_: argparse.Namespace) -> None:
    """Print by which factor a ramp is moved too far, for some shifts of less than half a pixel."""
    shifts = np.array([1 / 32, 1 / 16, 1 / 8, 1 / 4])
    ramp = np.tile(np.arange(64, dtype=np.float32), (32, 1))
    x, y = np.tile(32 + shifts, (1, 1)), np.full((1, len(shifts)), 16.0)
    maps, border = [at.astype(np.float32) for at in (x, y)], cv2.BORDER_REFLECT_101
    moved_by = {
        "OpenCV linear": cv2.remap(ramp, *maps, cv2.INTER_LINEAR, borderMode=border),
        "OpenCV cubic": cv2.remap(ramp, *maps, cv2.INTER_CUBIC, borderMode=border),
        "OpenCV Lanczos": cv2.remap(ramp, *maps, cv2.INTER_LANCZOS4, borderMode=border),
        "cubic splines": sample_spline(ramp, x, y, border),
    }
    print("pixels asked for " + "".join(f"{shift:9.3f}" for shift in shifts))
    for name, values in moved_by.items():
        print(f"{name:17s}" + "".join(f"{factor:9.3f}" for factor in (values[0] - 32) / shifts))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("loops", "endless", "rates", "filters"))
    parser.add_argument("--stills", nargs="+", default=STILLS)
    parser.add_argument("--motions", nargs="+", default=tuple(MOTIONS))
    parser.add_argument("--size", type=parse_size, default=(320, 240))
    parser.add_argument("--seconds", type=int, default=0, help="length: 8 for loops, 4 for rates")
    parser.add_argument("--frames", type=int, default=1001)
    parser.add_argument("--constructions", action="store_true", help="compare ways to close a loop")
    arguments = parser.parse_args()
    arguments.seconds = arguments.seconds or {"loops": 8, "rates": 4}.get(arguments.what, 0)
    {"loops": loops, "endless": endless, "rates": rates, "filters": filters}[arguments.what](arguments)


if __name__ == "__main__":
    main()
