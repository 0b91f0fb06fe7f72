"""Damage done to files, at random but told by a number, for `benchmarks.fuzz`."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

_MARKS: tuple[bytes, ...] = (
    # Boxes of MP4 and QuickTime.
    b"mvhd", b"tkhd", b"mdhd", b"hdlr", b"stsd", b"stts", b"ctts", b"stss", b"stsc", b"stsz", b"stco", b"elst", b"dref",
    b"trun", b"tfhd", b"tfdt", b"trex", b"mehd", b"sidx", b"avc1", b"hvc1", b"hev1", b"av01", b"avcC", b"hvcC", b"av1C",
    b"colr", b"pasp", b"mp4a", b"esds", b"ispe", b"iloc", b"ipma", b"irot", b"moov", b"mdat",
    # AVI and WebP.
    b"avih", b"strh", b"strf", b"idx1", b"indx", b"vprp", b"RIFF", b"VP8X", b"VP8 ", b"VP8L", b"ANIM", b"ANMF",
    # PNG, GIF, JPEG, TIFF, JPEG 2000.
    b"IHDR", b"acTL", b"fcTL", b"fdAT", b"IDAT", b"pHYs", b"PLTE", b"tRNS", b"eXIf", b"GIF89a", b"\x21\xf9\x04",
    b"\xff\xc0", b"\xff\xc2", b"\xff\xc4", b"\xff\xdb", b"\xff\xe1", b"II*\0", b"\xff\x51", b"jp2h",
    # Matroska: timestamp scale, duration, width, height, sample aspect, default duration, rate, time, block.
    b"\x2a\xd7\xb1", b"\x44\x89", b"\xb0\x81", b"\xba\x81", b"\x54\xb0", b"\x54\xba", b"\x23\xe3\x83", b"\xb5\x88",
    b"\xe7\x81", b"\xe7\x82", b"\xa3", b"\xa0", b"\x1f\x43\xb6\x75", b"\x16\x54\xae\x6b", b"\xae",
    # MPEG program and transport streams, FLV, YUV4MPEG, H.264 and HEVC parameters.
    b"\0\0\1\xb3", b"\0\0\1\xba", b"\0\0\1\xe0", b"\x47\x40", b"FLV", b"onMetaData", b"YUV4MPEG2", b" F25:1",
    b"\0\0\0\1\x67", b"\0\0\1\x67", b"\0\0\0\1\x42", b"\0\0\0\1\x40",
)  # fmt: skip
"""What stands before numbers that say how large, how many, or when."""

_EXTREMES = (
    *(0, 1, -1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x3FFF, 0x4000, 8192, 16384, 32767, 65535),
    *(10**6, 2**24, 2**28, 2**30, 2**31 - 1, -(2**31), 2**32 - 1, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63)),
)

Change = Callable[[bytearray, bytes, random.Random], None]


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A file with one to three kinds of damage.

    Args:
        data: The file.
        other: Another file, of which parts may be taken.
        chance: Decides on everything.
    """
    changed = bytearray(data)
    changes, weights = zip(*_WEIGHED, strict=True)
    for change in chance.choices(changes, weights, k=chance.choice((1, 1, 1, 2, 3))):
        if changed:
            change(changed, other, chance)
    if changed.startswith(b"\x89PNG") and chance.random() < 0.7:
        _mend_checksums(changed)
    return bytes(changed)


def _flip_bits(data: bytearray, _: bytes, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _overwrite_run(data: bytearray, _: bytes, chance: random.Random) -> None:
    start = _place(data, chance)
    length = min(chance.choice((1, 4, 16, 64, 256)), len(data) - start)
    same = chance.choice((b"\0", b"\xff", b"", b""))
    data[start : start + length] = same * length if same else chance.randbytes(length)


def _cut_off(data: bytearray, _: bytes, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _remove_block(data: bytearray, _: bytes, chance: random.Random) -> None:
    start = _place(data, chance)
    del data[start : start + chance.choice((1, 8, 64, 512, 4096))]


def _double_block(data: bytearray, _: bytes, chance: random.Random) -> None:
    start = _place(data, chance)
    block = data[start : start + chance.choice((4, 64, 512, 4096))]
    data[start:start] = block * chance.choice((1, 1, 2, 5))


def _splice(data: bytearray, other: bytes, chance: random.Random) -> None:
    start, from_other = _place(data, chance), chance.randrange(max(1, len(other)))
    if chance.random() < 0.5:
        data[start:] = other[from_other:]
    else:
        data[start:start] = other[from_other : from_other + chance.choice((16, 256, 4096))]


def _set_number(data: bytearray, _: bytes, chance: random.Random) -> None:
    """Give a number of a header, or what stands at its place, an extreme value."""
    marks = [mark for mark in _MARKS if mark in data]
    if marks and chance.random() < 0.85:
        mark = chance.choice(marks)
        places = [at for at in range(len(data)) if data.startswith(mark, at)][:64]
        start = chance.choice(places) + len(mark) + chance.randrange(40)
    else:
        start = chance.randrange(min(len(data), 512))
    size = chance.choice((1, 2, 4, 4, 8))
    value = chance.choice((*_EXTREMES, chance.getrandbits(64))) % 256**size
    number = value.to_bytes(size, chance.choice(("big", "little")))
    data[start : start + size] = number[: max(0, len(data) - start)]


def _set_digits(data: bytearray, _: bytes, chance: random.Random) -> None:
    """Give a number in text another value."""
    places = [at for at in range(min(len(data), 4096)) if chr(data[at]).isdigit()]
    if places:
        at = chance.choice(places)
        data[at : at + 1] = str(chance.choice(_EXTREMES)).encode()


_WEIGHED: tuple[tuple[Change, int], ...] = (
    (_flip_bits, 4),
    (_overwrite_run, 3),
    (_cut_off, 1),
    (_remove_block, 2),
    (_double_block, 2),
    (_splice, 1),
    (_set_number, 6),
    (_set_digits, 1),
)


def _place(data: bytearray, chance: random.Random) -> int:
    """Anywhere; half of the time near one of the ends, where headers and indexes are."""
    near = min(len(data), 2048)
    return chance.choice((chance.randrange(len(data)), chance.randrange(near), len(data) - 1 - chance.randrange(near)))


def _mend_checksums(data: bytearray) -> None:
    """Let a PNG's chunks look whole, so that what they say is believed."""
    at = 8
    while at + 12 <= len(data):
        length = struct.unpack_from(">I", data, at)[0]
        end = at + 8 + length
        if end + 4 > len(data):
            return
        struct.pack_into(">I", data, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4
