"""Files ⇄ frames: reading and writing videos, animations, folders of images, stills, and their sound."""

from __future__ import annotations

from framedream.media.alpha import over_black
from framedream.media.audio.audio_feed import load_sound
from framedream.media.audio.loudness import Loudness
from framedream.media.color_conversion import ColorTags
from framedream.media.frames import (
    FilmFormat,
    FootageProtocol,
    Frame,
    Pixels,
    Sound,
    TimeRange,
    check_pixels,
)
from framedream.media.once_logger import OnceLogger
from framedream.media.read.footage import Footage, has_reached, is_image_footage, open_footage
from framedream.media.read.frame_index import FrameIndex
from framedream.media.read.image_reader import read_image, read_image_info, read_image_with_alpha
from framedream.media.read.image_sequence_reader import list_images
from framedream.media.read.synced_reader import SyncedReader
from framedream.media.resizing import resize, resize_to_fill, resize_with_alpha
from framedream.media.write.assembly import FilmAssembler, PieceFactory, is_folder_output, output_holds_sound
from framedream.media.write.image_writer import check_image_name, keeps_alpha, write_image
from framedream.media.write.pieces import Piece

__all__ = [
    "ColorTags",
    "FilmAssembler",
    "FilmFormat",
    "Footage",
    "FootageProtocol",
    "Frame",
    "FrameIndex",
    "Loudness",
    "OnceLogger",
    "Piece",
    "PieceFactory",
    "Pixels",
    "Sound",
    "SyncedReader",
    "TimeRange",
    "check_image_name",
    "check_pixels",
    "has_reached",
    "is_folder_output",
    "is_image_footage",
    "keeps_alpha",
    "list_images",
    "load_sound",
    "open_footage",
    "output_holds_sound",
    "over_black",
    "read_image",
    "read_image_info",
    "read_image_with_alpha",
    "resize",
    "resize_to_fill",
    "resize_with_alpha",
    "write_image",
]
