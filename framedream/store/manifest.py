"""What a work folder belongs to: the footage, the settings and the network it was begun with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from framedream.config.parsing import Moment
from framedream.config.settings import Settings
from framedream.config.timeline import format_value
from framedream.errors import InputError, WeightsError
from framedream.store.fingerprints import file_hash, input_identity

SCHEMA = 2
"""Number of the layout of work folders."""

_HASHED = ("weights", "sound", "guide", "mask")
"""Settings that are names of files: what counts is what is in them."""

_LIBRARIES = ("framedream", "tensorflow", "keras", "numpy", "opencv-python-headless", "av")


@dataclass(frozen=True)
class Manifest:
    """What must be the same for a run to go on where another one stopped.

    Attributes:
        source: Absolute name of the footage, or of the first still of a zoom.
        identity: Size, time of change and hash of the footage, see `input_identity`.
        target: Absolute name of the output.
        settings: All settings that can change a picture, flat, as text.
        weights: Hash of the network's weights file; "" if Keras keeps it, which checks it itself.
        environment: Versions of libraries and number of threads: they should not matter much.
        others: Names and identities of the other stills of a zoom, in their order.
        sound: Hash of the file whose sound is followed; "" if there is none.
        mask: Identity of the mask; "" if there is none. Its name is among the settings.
        kind: What is made of the sources: a dream of a video, or a zoom.
        guide: Hash of the image that layers are drawn towards; "" if there is none.
    """

    source: str
    identity: str
    target: str
    settings: dict[str, str]
    weights: str
    environment: dict[str, str]
    schema: int = SCHEMA
    others: list[list[str]] = field(default_factory=list)
    sound: str = ""
    mask: str = ""
    kind: str = "video"
    guide: str = ""

    @classmethod
    def of(cls, sources: Sequence[Path | str], target: Path, settings: Settings, *, kind: str = "video") -> Manifest:
        """That of a run.

        Args:
            sources: The footage, or the stills of a zoom; a text stands for what is in no file.
            target: The output.
            settings: All settings.
            kind: What is made: a video or a zoom.

        Raises:
            InputError: A source, the sound, the guide or the mask cannot be read, or there is no such weights file.
        """
        known = [
            [str(path.resolve()), input_identity(path)] if isinstance(path, Path) else [path, ""] for path in sources
        ]
        mask = settings.footage.mask
        named = {"mask": str(mask.resolve())} if mask else {}
        environment = {name: version(name) for name in _LIBRARIES}
        environment |= {"threads": str(settings.run.threads or "all"), "tile": str(settings.run.tile)}
        return cls(
            known[0][0],
            known[0][1],
            str(target.parent.resolve() / target.name),
            {name: text for name, text in flatten_settings(settings).items() if name not in _HASHED} | named,
            file_hash(settings.dream.weights, WeightsError),
            environment,
            others=known[1:],
            sound=file_hash(settings.change.sound, InputError),
            mask=input_identity(mask) if mask else "",
            kind=kind,
            guide=file_hash(settings.dream.guide, InputError),
        )

    @classmethod
    def read(cls, path: Path) -> Manifest | None:
        """A stored one, or None if there is none that can be read."""
        try:
            stored = json.loads(path.read_text("utf-8", "surrogateescape"))
            # Earlier versions called the environment by another name.
            stored.setdefault("environment", stored.pop("circumstances", {}))
            return cls(**stored)
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def write(self, file: BinaryIO) -> None:
        """Store it."""
        file.write(json.dumps(asdict(self), indent=1).encode())

    def changed_settings(self, now: Manifest) -> list[str]:
        """Differences that would show in the film, as ``steps 13 → 10``."""
        changes = [
            f"{name.replace('_', '-')} {self.settings.get(name) or 'default'} → {now.settings.get(name) or 'default'}"
            for name in sorted({*self.settings, *now.settings})
            if self.settings.get(name) != now.settings.get(name)
        ]
        if self.weights != now.weights:
            changes.append("the network's weights are others")
        if self.sound != now.sound:
            changes.append("the sound is another")
        if self.guide != now.guide:
            changes.append("the guide is another")
        if self.kind != now.kind:
            changes.append(f"{self.kind} → {now.kind}")
        if self.schema != now.schema:
            changes.append(f"layout of work folders {self.schema} → {now.schema}")
        return changes

    def changed_source(self, now: Manifest) -> str:
        """The first difference of the sources and the mask, as ``a.jpg: has changed since``; "" if there is none."""
        before, after = ([(each.source, each.identity), *map(tuple, each.others)] for each in (self, now))
        for (old, known), (new, found) in zip(before, after, strict=False):
            if (old, known) != (new, found):
                return f"{new}: has changed since" if old == new else f"{new}: is not {old}"
        mask = self.settings.get("mask")
        if mask and mask == now.settings.get("mask") and self.mask != now.mask:
            return f"{mask}: has changed since"
        return "" if len(before) == len(after) else f"{now.source}: there were {len(before)} stills, not {len(after)}"

    def changed_environment(self, now: Manifest) -> list[str]:
        """Differences that may change last bits, as ``tensorflow 2.20 → 2.21``."""
        return [
            f"{name} {self.environment.get(name)} → {value}"
            for name, value in now.environment.items()
            if self.environment.get(name) != value
        ]


def flatten_settings(settings: Settings) -> dict[str, str]:
    """All settings that can change a picture, by their flat names, as text; "" where nothing is set."""
    groups = (settings.dream, settings.motion, settings.footage, settings.zoom, settings.change, settings.output)
    found = {item.name: _text(getattr(group, item.name)) for group in groups for item in fields(group)}
    # Each value of a timeline by itself, so that a difference can be told in a few words.
    timeline = settings.change.timeline
    changing = {f"timeline: {name}": text for name, text in timeline.flat().items()} if timeline else {}
    # What there was no choice of once is not named, so that what was begun then can be gone on with.
    for name, usual in (("algorithm", "framedream"), ("precision", "auto"), ("compare", "none")):
        if found[name] == usual:
            del found[name]
    if settings.footage.slow_motion == 1:
        del found["slow_motion"]
    return found | {"timeline": ""} | changing | {"segment": _text(settings.run.segment)}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Moment):
        return f"{value.frame}f" if value.seconds is None else str(value.seconds)
    if isinstance(value, tuple) and all(isinstance(part, int) for part in value):
        return "x".join(map(str, value))
    return format_value(value)
