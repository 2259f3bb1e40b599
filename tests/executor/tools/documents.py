"""Make small documents and images by the rules of their formats, broken ones among them.

Bytes only; writes no file.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any


def png(width: int = 3, height: int = 2, *, padding: int = 0) -> bytes:
    """A whole PNG image; `padding` bytes of comment make it as large as is wanted."""

    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)

    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            chunk(b"tEXt", b"c\0" + b"x" * padding),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        )
    )


def jpeg(width: int = 3, height: int = 2) -> bytes:
    """The segments that tell a JPEG image, with no pixels."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0"
    return b"".join(
        (
            b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0",
            b"\xff\xfe\x00\x05abc\xff",
            b"\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame,
            b"\xff\xda\x00\x08\x01\x01\0\0\x3f\0\x00\xff\xd9",
        )
    )


def gif(width: int = 3, height: int = 2) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b";"


def webp(form: bytes, fields: bytes) -> bytes:
    """A container whose first chunk has this name and begins with these fields."""
    chunk = form + struct.pack("<I", len(fields)) + fields
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def pdf(pages: Sequence[str], *, content: bytes | None = None) -> bytes:
    """A document with a line of text on each page; `content` replaces every page's own."""
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for index, text in enumerate(pages):
        stream = content if content is not None else f"BT /F1 12 Tf ({text}) Tj ET".encode()
        bodies += [
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Resources<</Font<</F1 3 0 R>>>>"
            f"/Contents {5 + 2 * index} 0 R>>".encode(),
            b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        ]
    made = b"%PDF-1.4\n"
    places: list[int] = []
    for number, body in enumerate(bodies, start=1):
        places.append(len(made))
        made += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + b"".join(
        (
            b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1),
            table,
            b"trailer<</Size %d/Root 1 0 R>>\n" % (len(places) + 1),
            b"startxref\n%d\n%%%%EOF\n" % len(made),
        )
    )


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
