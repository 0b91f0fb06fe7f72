"""Encoders as they behave: those of cards that work here, and one that changes its process."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext

HARDWARE = ("_nvenc", "_qsv", "_amf", "_v4l2m2m", "_vaapi", "_videotoolbox", "_mf", "_vulkan")
"""How encoders end that are part of a card."""


def working_hardware_encoders() -> list[str]:
    """The encoders of cards that can be opened on this machine, by FFmpeg's names."""
    return [name for name in sorted(av.codecs_available) if name.endswith(HARDWARE) and _opens(name)]


def _opens(name: str) -> bool:
    try:
        context = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
        context.width, context.height, context.time_base = 256, 128, Fraction(1, 25)
        formats = [each.name for each in context.codec.video_formats or ()]
        context.pix_fmt = "yuv420p" if "yuv420p" in formats or not formats else formats[0]
        context.open()
    except (FFmpegError, OSError, ValueError):
        return False
    return True


@contextmanager
def keep_scheduling() -> Generator[None]:
    """Take back what an encoder does to the process: SVT-AV1, run by root, makes it and its threads real-time.

    They would leave no time to anything else on the machine.
    """
    tasks = Path("/proc/self/task")
    policy = os.sched_getscheduler(0) if tasks.is_dir() else None
    try:
        yield
    finally:
        for task in tasks.glob("*") if policy == os.SCHED_OTHER else ():
            with suppress(OSError):  # It may have ended.
                if os.sched_getscheduler(int(task.name)) == os.SCHED_FIFO:
                    os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))
