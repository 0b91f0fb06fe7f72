"""What files say of a frame besides its picture."""

from __future__ import annotations

from typing import Any

import av


def side_data(frame: av.VideoFrame, name: str) -> bytes | None:
    """What a file says of a frame, as FFmpeg lays it out in memory.

    Args:
        frame: A decoded frame.
        name: FFmpeg's name without ``AV_FRAME_DATA_``.

    Returns:
        The bytes, or None if the frame has none.
    """
    known: Any = frame.side_data
    try:
        return bytes(known[name])
    except KeyError:
        return None
