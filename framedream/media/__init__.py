"""Files ⇄ frames: reading and writing videos, animations, folders of images, stills, and their sound."""

from __future__ import annotations

from framedream.media.alpha import over_black
from framedream.media.color import ColorTags
from framedream.media.folder import images_in
from framedream.media.following import InStep
from framedream.media.footage import Footage, fill, reached, resize, resize_seen
from framedream.media.frames import Excerpt, FilmFormat, FilmLike, FootageLike, Frame, Pixels, Sound, check_pixels
from framedream.media.loudness import Loudness
from framedream.media.noise import noise
from framedream.media.notes import Notes
from framedream.media.opening import is_images, open_footage
from framedream.media.pieces import Piece
from framedream.media.saving import check_image_name, keeps_alpha, write_image
from framedream.media.seen import Seen
from framedream.media.sound import sound_of
from framedream.media.stills import look_at_image, read_image, read_picture
from framedream.media.writer import FilmWriter, open_film
from framedream.media.writing import FilmInPieces, PieceFactory, holds_sound, is_folder_name

__all__ = [
    "ColorTags",
    "Excerpt",
    "FilmFormat",
    "FilmInPieces",
    "FilmLike",
    "FilmWriter",
    "Footage",
    "FootageLike",
    "Frame",
    "InStep",
    "Loudness",
    "Notes",
    "Piece",
    "PieceFactory",
    "Pixels",
    "Seen",
    "Sound",
    "check_image_name",
    "check_pixels",
    "fill",
    "holds_sound",
    "images_in",
    "is_folder_name",
    "is_images",
    "keeps_alpha",
    "look_at_image",
    "noise",
    "open_film",
    "open_footage",
    "over_black",
    "reached",
    "read_image",
    "read_picture",
    "resize",
    "resize_seen",
    "sound_of",
    "write_image",
]
