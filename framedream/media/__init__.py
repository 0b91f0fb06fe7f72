"""Files ⇄ frames: reading and writing videos, animations, folders of images, stills, and their sound."""

from __future__ import annotations

from framedream.media.color import ColorTags
from framedream.media.folder import images_in
from framedream.media.footage import Footage, resize
from framedream.media.frames import FilmFormat, FilmLike, Frame, Pixels, Sound, check_pixels
from framedream.media.opening import open_footage
from framedream.media.pieces import Piece
from framedream.media.stills import check_image_name, look_at_image, read_image, write_image
from framedream.media.writing import FilmInPieces, FilmWriter, PieceFactory, is_folder_name, open_film

__all__ = [
    "ColorTags",
    "FilmFormat",
    "FilmInPieces",
    "FilmLike",
    "FilmWriter",
    "Footage",
    "Frame",
    "Piece",
    "PieceFactory",
    "Pixels",
    "Sound",
    "check_image_name",
    "check_pixels",
    "images_in",
    "is_folder_name",
    "look_at_image",
    "open_film",
    "open_footage",
    "read_image",
    "resize",
    "write_image",
]
