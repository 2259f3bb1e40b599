"""Tell an image by its header: kind, size in pixels, and whether the file is whole.

Decodes no pixel. A provider refuses a broken image, and with it every later request of the session:
what is not surely whole is not to be sent.
"""

import struct
import zlib
from collections.abc import Iterator

import msgspec

IMAGE_KINDS = frozenset({"PNG", "JPEG", "GIF", "WebP"})
_PNG = b"\x89PNG\r\n\x1a\n"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers that no length follows."""


class Image(msgspec.Struct, frozen=True):
    kind: str
    """As in `PNG`."""
    media_type: str
    width: int
    height: int
    """Pixels."""


def image(content: bytes) -> Image | None:
    """The image that `content` is; None for what is none of the four kinds, or not whole."""
    try:
        if content.startswith(_PNG):
            size = _png(content)
            return size and Image("PNG", "image/png", *size)
        if content.startswith(b"\xff\xd8\xff"):
            size = _jpeg(content)
            return size and Image("JPEG", "image/jpeg", *size)
        if content.startswith((b"GIF87a", b"GIF89a")):
            size = _gif(content)
            return size and Image("GIF", "image/gif", *size)
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            size = _webp(content)
            return size and Image("WebP", "image/webp", *size)
    except (struct.error, IndexError):  # it ends where a field should be
        return None
    return None


_Size = tuple[int, int]


def _png(content: bytes) -> _Size | None:
    """By https://www.w3.org/TR/png-3/#5Chunk-layout, every checksum included."""
    names: list[bytes] = []
    for name, body, checksum in _png_chunks(content):
        if zlib.crc32(name + body) != checksum:
            return None
        names.append(name)
    if names[:1] != [b"IHDR"] or names[-1] != b"IEND" or b"IDAT" not in names:
        return None
    return _positive(*struct.unpack_from(">II", content, 16))


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    at = len(_PNG)
    while at < len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        (checksum,) = struct.unpack_from(">I", content, at + 8 + length)
        yield name, content[at + 8 : at + 8 + length], checksum
        at += 12 + length
        if name == b"IEND":
            return


def _jpeg(content: bytes) -> _Size | None:
    """By ITU-T T.81, annex B: segments up to the frame header, and the end marker at the end."""
    if not content.rstrip(b"\0\r\n ").endswith(b"\xff\xd9"):
        return None
    at = 2
    while True:
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        elif marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return _positive(width, height)
        elif marker in (0xD9, 0xDA):
            return None
        else:
            (length,) = struct.unpack_from(">H", content, at + 2)
            at += 2 + length


def _gif(content: bytes) -> _Size | None:
    """By https://www.w3.org/Graphics/GIF/spec-gif89a.txt: the screen; the trailer at the end."""
    if not content.rstrip(b"\0").endswith(b";"):
        return None
    return _positive(*struct.unpack_from("<HH", content, 6))


def _webp(content: bytes) -> _Size | None:
    """By RFC 9649: the container's length, and the first chunk of three possible ones."""
    (length,) = struct.unpack_from("<I", content, 4)
    if len(content) < length + 8:
        return None
    match content[12:16]:
        case b"VP8 " if content[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", content, 26)
            return _positive(width & 0x3FFF, height & 0x3FFF)
        case b"VP8L" if content[20] == 0x2F:
            (bits,) = struct.unpack_from("<I", content, 21)
            return _positive((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X":
            width = int.from_bytes(content[24:27], "little") + 1
            return _positive(width, int.from_bytes(content[27:30], "little") + 1)
        case _:
            return None


def _positive(width: int, height: int) -> _Size | None:
    return (width, height) if width and height else None
