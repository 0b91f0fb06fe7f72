"""The manifest of a work folder: the footage, settings and network that it was started with."""

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
"""Version of the layout of work folders."""

_FILE_SETTINGS = ("weights", "sound", "guide", "mask")
"""Settings that name files: the manifest compares the contents of these files, not their names."""

_LIBRARIES = ("framedream", "tensorflow", "keras", "numpy", "opencv-python-headless", "av")


@dataclass(frozen=True)
class Manifest:
    """Everything that must be equal for a run to resume the work of another one.

    Attributes:
        source: Absolute path of the footage, or of the first still of a zoom.
        identity: Size, modification time and hash of the footage, see `input_identity`.
        target: Absolute path of the output.
        settings: All settings that can change a picture, as text by name.
        weights: Hash of the weights file; "" for downloaded weights, which Keras checks itself.
        environment: Versions of libraries and number of threads; differences only cause a warning.
        schema: Version of the layout of the work folder.
        others: Paths and identities of the other stills of a zoom, in order.
        sound: Hash of the sound file; "" if there is none.
        mask: Identity of the mask; "" if there is none. Its path is among the settings.
        kind: Kind of the film: "video" or "zoom".
        guide: Hash of the guide image; "" if there is none.
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
        """Make the manifest of a run.

        Args:
            sources: The footage, or the stills of a zoom; a string names a source that is not a file.
            target: The output.
            settings: All settings.
            kind: Kind of the film: "video" or "zoom".

        Raises:
            InputError: A source, the sound, the guide or the mask cannot be read.
            WeightsError: The weights file cannot be read.
        """
        identified = [
            [str(path.resolve()), input_identity(path)] if isinstance(path, Path) else [path, ""] for path in sources
        ]
        mask = settings.footage.mask
        mask_path = {"mask": str(mask.resolve())} if mask else {}
        environment = {name: version(name) for name in _LIBRARIES}
        environment |= {"threads": str(settings.run.threads or "all"), "tile": str(settings.run.tile)}
        return cls(
            identified[0][0],
            identified[0][1],
            str(target.parent.resolve() / target.name),
            {name: text for name, text in flatten_settings(settings).items() if name not in _FILE_SETTINGS} | mask_path,
            file_hash(settings.dream.weights, WeightsError),
            environment,
            others=identified[1:],
            sound=file_hash(settings.change.sound, InputError),
            mask=input_identity(mask) if mask else "",
            kind=kind,
            guide=file_hash(settings.dream.guide, InputError),
        )

    @classmethod
    def read(cls, path: Path) -> Manifest | None:
        """Read a stored manifest; None if it is missing or cannot be parsed."""
        try:
            stored = json.loads(path.read_text("utf-8", "surrogateescape"))
            # Earlier versions called the environment by another name.
            stored.setdefault("environment", stored.pop("circumstances", {}))
            return cls(**stored)
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def write(self, file: BinaryIO) -> None:
        """Write the manifest to a file."""
        file.write(json.dumps(asdict(self), indent=1).encode())

    def changed_settings(self, now: Manifest) -> list[str]:
        """List the differences that would change the film, such as ``steps 13 → 10``.

        Args:
            now: The manifest of the current run.
        """
        changes = [
            f"{name.replace('_', '-')} {self.settings.get(name) or 'default'} → {now.settings.get(name) or 'default'}"
            for name in sorted({*self.settings, *now.settings})
            if self.settings.get(name) != now.settings.get(name)
        ]
        if self.weights != now.weights:
            changes.append("the network weights changed")
        if self.sound != now.sound:
            changes.append("the sound file changed")
        if self.guide != now.guide:
            changes.append("the guide image changed")
        if self.kind != now.kind:
            changes.append(f"{self.kind} → {now.kind}")
        if self.schema != now.schema:
            changes.append(f"layout of work folders {self.schema} → {now.schema}")
        return changes

    def changed_source(self, now: Manifest) -> str:
        """Describe the first difference of the sources and the mask; "" if there is none.

        Args:
            now: The manifest of the current run.
        """
        before, after = ([(each.source, each.identity), *map(tuple, each.others)] for each in (self, now))
        for (old, old_identity), (new, new_identity) in zip(before, after, strict=False):
            if (old, old_identity) != (new, new_identity):
                return f"{new}: has changed" if old == new else f"{new}: has replaced {old}"
        mask = self.settings.get("mask")
        if mask and mask == now.settings.get("mask") and self.mask != now.mask:
            return f"{mask}: has changed"
        return (
            ""
            if len(before) == len(after)
            else f"{now.source}: the number of stills has changed from {len(before)} to {len(after)}"
        )

    def changed_environment(self, now: Manifest) -> list[str]:
        """List the differences that may change the film slightly, such as ``tensorflow 2.20 → 2.21``.

        Args:
            now: The manifest of the current run.
        """
        return [
            f"{name} {self.environment.get(name)} → {value}"
            for name, value in now.environment.items()
            if self.environment.get(name) != value
        ]


def flatten_settings(settings: Settings) -> dict[str, str]:
    """All settings that can change a picture, as text by name; "" for settings without a value."""
    groups = (settings.dream, settings.motion, settings.footage, settings.zoom, settings.change, settings.output)
    flat = {item.name: _as_text(getattr(group, item.name)) for group in groups for item in fields(group)}
    # Each value of a timeline is an entry of its own, so that messages can name the difference briefly.
    timeline = settings.change.timeline
    changing = {f"timeline: {name}": text for name, text in timeline.flat().items()} if timeline else {}
    # Settings that early versions did not have are left out at their defaults, so that old work folders can be resumed.
    for name, default in (("algorithm", "framedream"), ("precision", "auto"), ("compare", "none")):
        if flat[name] == default:
            del flat[name]
    if settings.footage.slow_motion == 1:
        del flat["slow_motion"]
    return flat | {"timeline": ""} | changing | {"segment": _as_text(settings.run.segment)}


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Moment):
        return f"{value.frame}f" if value.seconds is None else str(value.seconds)
    if isinstance(value, tuple) and all(isinstance(part, int) for part in value):
        return "x".join(map(str, value))
    return format_value(value)
